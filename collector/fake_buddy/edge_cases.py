"""What an awkward item suffers: nulls, missing and unknown fields, unknown enum values, hostile names.

Only what a client must be able to rely on is left alone: the id, the type, and that an action has both ends.
"""

from __future__ import annotations

from .company import AWKWARD_NAMES
from .promotions import JsonObject
from .seeded_random import SeededRandom

ACTION_WAYS = ("nulls", "missing", "unknown_fields", "unknown_enums", "name", "digest")
PIPELINE_WAYS = ("nulls", "missing", "unknown_fields", "unknown_enums", "name")
_KEPT = frozenset({"id", "type", "src", "dest", "pipeline", "name", "identifier", "url", "html_url"})
# A value of every JSON type, nested, with text that needs care: nothing of it may be lost.
UNKNOWN_FIELD = {"team": "plâtforme", "cost": 1.5, "owners": [1, None, "x;y"], "nested": {"deep": True, "none": None}}


def spoil_action(action: JsonObject, way: str, dice: SeededRandom) -> None:
    """Make a detailed action awkward in one way, in place."""
    if way == "unknown_fields":
        _add_unknown_fields(action)
    elif way == "unknown_enums":
        action["trigger_time"] = "ON_FULL_MOON"
        action["last_execution_status"] = "HIBERNATING"
        action["permissions"] = {**action["permissions"], "others": "OBSERVE"}
        if "src" in action:
            action["src"] = {**action["src"], "docker_registry": "QUAY"}
        action["trigger_conditions"] = [{"trigger_condition": "ON_TIDE", "trigger_tide": "high"}]
    elif way == "digest":
        if "src" in action:
            action["src"] = {**action["src"], "image": f"acme/service@sha256:{dice.hex(64)}", "tag": None}
    else:
        _spoil_plainly(action, way, dice)


def spoil_pipeline(pipeline: JsonObject, way: str, dice: SeededRandom) -> None:
    """Make a pipeline awkward in one way, in place."""
    if way == "unknown_fields":
        pipeline["labels"] = UNKNOWN_FIELD
        pipeline["events"] = [{"type": "PUSH", "refs": ["refs/heads/main"], "debounce": {"seconds": 3}}]
    elif way == "unknown_enums":
        pipeline["priority"] = "URGENT"
        pipeline["definition_source"] = "ORBIT"
        pipeline["last_execution_status"] = "HIBERNATING"
    else:
        _spoil_plainly(pipeline, way, dice)


def _spoil_plainly(item: JsonObject, way: str, dice: SeededRandom) -> None:
    if way == "name":
        item["name"] = dice.of(AWKWARD_NAMES)
        return
    for field in [field for field in item if field not in _KEPT]:
        if dice.below(3):
            if way == "nulls":
                item[field] = None
            else:
                del item[field]


def _add_unknown_fields(action: JsonObject) -> None:
    action["labels"] = UNKNOWN_FIELD
    action["sbom_required"] = True
    for end in ("src", "dest"):
        if end in action:
            action[end] = {**action[end], "platforms": ["linux/amd64", "linux/arm64"]}
    action["variables"] = [{**variable, "vault": {"mount": "kv"}} for variable in action["variables"]]
    action["trigger_conditions"] = [{**rule, "negated": False} for rule in action["trigger_conditions"]]
    action["permissions"] = {
        **action["permissions"],
        "inherited": False,
        "users": [{**user, "since": "2026-01-02"} for user in action["permissions"]["users"]],
    }

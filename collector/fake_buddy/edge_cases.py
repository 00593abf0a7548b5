"""The edge cases of awkward items: nulls, missing and unknown fields, unknown enum values, hostile names.

What a client must be able to rely on stays: the id, the type, and both ends of a promotion.
"""

from __future__ import annotations

from .company import AWKWARD_NAMES
from .promotions import JsonObject
from .seeded_random import SeededRandom

ACTION_EDGE_CASES = ("nulls", "missing", "unknown_fields", "unknown_enums", "name", "digest")
PIPELINE_EDGE_CASES = ("nulls", "missing", "unknown_fields", "unknown_enums", "name")
EXECUTION_EDGE_CASES = (
    "plain_branch", "snake_case", "no_creator", "no_finish_date", "unknown_status", "unknown_fields",
)  # fmt: skip
_KEPT = frozenset({"id", "type", "src", "dest", "pipeline", "name", "identifier", "url", "html_url"})
# Values of every JSON type, nested, with non-ASCII text: a client must lose none of them.
UNKNOWN_FIELD = {"team": "plâtforme", "cost": 1.5, "owners": [1, None, "x;y"], "nested": {"deep": True, "none": None}}


def make_action_awkward(action: JsonObject, edge_case: str, rng: SeededRandom) -> None:
    """Apply one edge case to a detailed action, in place."""
    if edge_case == "unknown_fields":
        _add_unknown_fields(action)
    elif edge_case == "unknown_enums":
        action["trigger_time"] = "ON_FULL_MOON"
        action["last_execution_status"] = "HIBERNATING"
        action["permissions"] = {**action["permissions"], "others": "OBSERVE"}
        if "src" in action:
            action["src"] = {**action["src"], "docker_registry": "QUAY"}
        action["trigger_conditions"] = [{"trigger_condition": "ON_TIDE", "trigger_tide": "high"}]
    elif edge_case == "digest":
        if "src" in action:
            action["src"] = {**action["src"], "image": f"acme/service@sha256:{rng.hex(64)}", "tag": None}
    else:
        _apply_common(action, edge_case, rng)


def make_pipeline_awkward(pipeline: JsonObject, edge_case: str, rng: SeededRandom) -> None:
    """Apply one edge case to a pipeline, in place."""
    if edge_case == "unknown_fields":
        pipeline["labels"] = UNKNOWN_FIELD
        pipeline["events"] = [{"type": "PUSH", "refs": ["refs/heads/main"], "debounce": {"seconds": 3}}]
    elif edge_case == "unknown_enums":
        pipeline["priority"] = "URGENT"
        pipeline["definition_source"] = "ORBIT"
        pipeline["last_execution_status"] = "HIBERNATING"
    else:
        _apply_common(pipeline, edge_case, rng)


def make_execution_awkward(execution: JsonObject, edge_case: str) -> None:
    """Apply one edge case to an execution, in place."""
    if edge_case == "plain_branch" and execution["branch"] is not None:
        execution["branch"] = execution["branch"]["name"]
    elif edge_case == "snake_case":
        execution["triggered_on"] = execution.pop("triggeredOn")
    elif edge_case == "no_creator":
        execution["creator"] = None
    elif edge_case == "no_finish_date":
        del execution["finish_date"]
    elif edge_case == "unknown_status" and execution["finish_date"] is not None:
        execution["status"] = "HIBERNATING"
    elif edge_case == "unknown_fields":
        execution["environment"] = UNKNOWN_FIELD


def _apply_common(item: JsonObject, edge_case: str, rng: SeededRandom) -> None:
    if edge_case == "name":
        item["name"] = rng.choice(AWKWARD_NAMES)
        return
    for field in [field for field in item if field not in _KEPT]:
        if rng.below(3):
            if edge_case == "nulls":
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

"""One action as Buddy shows it: short in a list, whole by its own GET."""

from __future__ import annotations

from collections.abc import Mapping

from . import attachments
from .company import is_awkward
from .edge_cases import ACTION_WAYS, spoil_action
from .pipelines import STATUSES
from .promotions import SECRET_MARKER, JsonObject, promotion, stages
from .seeded_random import SeededRandom

PROMOTION = "PROMOTE_IMAGE"
OTHER_TYPES = ("BUILD", "DOCKERFILE", "SSH_COMMAND", "DOCKER_PUSH", "KUBERNETES_SET_IMAGE", "SLACK", "FTP", "SLEEP")
SUMMARY = (
    "url", "html_url", "id", "name", "type", "trigger_time", "disabled", "last_execution_status",
)  # fmt: skip
_TRIGGERS = (
    "ON_EVERY_EXECUTION", "ON_EVERY_EXECUTION", "ON_EVERY_EXECUTION", "ON_SUCCESS", "ON_WAIT_FOR_APPROVE",
    "ON_WAIT_FOR_APPROVE", "ON_FAILURE", "ON_BACK_TO_SUCCESS", "ON_WARNING", "ON_TERMINATE",
)  # fmt: skip
_NAMES = {"BUILD": "Build image", "DOCKERFILE": "Build Dockerfile", "SSH_COMMAND": "Restart service"}


def detailed_action(
    seed: int,
    path: str,
    project: str,
    company: str,
    *,
    action_id: int,
    slot: int,
    kind: str,
    urls: tuple[str, str],
    versions: Mapping[str, int],
    awkward: bool,
) -> JsonObject:
    """Return a whole action but for its `pipeline`; `versions` tells how often each aspect has changed."""
    dice = SeededRandom(seed, "action", path)
    trigger = SeededRandom(seed, "trigger", path, versions["trigger_time"]).of(_TRIGGERS)
    runs = SeededRandom(seed, "run", path, versions["execution"])
    found: JsonObject = {
        "type": kind,
        "url": urls[0],
        "html_url": urls[1],
        "id": action_id,
        "name": _name(seed, path, project, kind),
        "current_revision": runs.hex(40),
        "trigger_time": _moved_trigger(trigger, versions["trigger_time"]),
        "trigger_conditions": attachments.trigger_conditions(
            SeededRandom(seed, "conditions", path, versions["trigger_conditions"])
        ),
        "run_next": dice.of(("WAIT_ON_SUCCESS", "WAIT_ON_SUCCESS", "IN_SOFT_PARALLEL", "IN_HARD_PARALLEL")),
        "run_only_on_first_failure": trigger == "ON_FAILURE",
        "variables": attachments.variables(
            SeededRandom(seed, "variables", path, versions["variables"]), action_id * 10
        ),
        "ignore_errors": dice.one_in(6),
        "last_execution_status": "INITIAL" if dice.one_in(10) else runs.of(STATUSES),
        "permissions": attachments.permissions(SeededRandom(seed, "permissions", path, versions["permissions"]), seed),
        "loop": ["amd64", "arm64"] if dice.one_in(8) else [],
        **_settings(SeededRandom(seed, "settings", path, versions["settings"]), versions["settings"]),
    }
    if kind == PROMOTION:
        found.update(promotion(seed, path, project, company, versions["dest"]))
    else:
        found["commands"] = ["docker build -t service .", f"login --token {SECRET_MARKER}"][: 1 + dice.below(2)]
    if awkward and is_awkward(slot + dice.below(8)):
        spoil_action(found, dice.of(ACTION_WAYS), dice)
    return found


def summary(action: JsonObject, awkward: bool) -> JsonObject:
    """Return what a list shows of an action; other types sometimes show their variables there already."""
    found = {field: action[field] for field in SUMMARY if field in action}
    if awkward and action["type"] != PROMOTION and action["id"] % 4 == 0 and "variables" in action:
        found["variables"] = action["variables"]
    if "labels" in action:
        found["labels"] = action["labels"]
    return found


def _settings(dice: SeededRandom, version: int) -> JsonObject:
    retries = dice.of((0, 0, 0, 2, 3))
    return {
        "disabled": dice.one_in(10),
        # The version is part of the number, so that changed settings differ for certain.
        "timeout": dice.of((0, 300, 900, 3600)) + version,
        "retry_count": retries,
        "retry_interval": 15 if retries else 0,
    }


def _moved_trigger(drawn: str, version: int) -> str:
    # Two draws in a row may agree; an odd version steps aside so that a promised change is one.
    if version % 2 == 0:
        return drawn
    return "ON_SUCCESS" if drawn == "ON_EVERY_EXECUTION" else "ON_EVERY_EXECUTION"


def _name(seed: int, path: str, project: str, kind: str) -> str:
    if kind != PROMOTION:
        return _NAMES.get(kind, kind.replace("_", " ").capitalize())
    source, dest = stages(seed, path)
    words = ("Promote {} from {} to {}", "Tag {}: {} → {}", "{}: copy {} image to {}")
    return SeededRandom(seed, "name", path).of(words).format(project[:60], source, dest)

"""One action as Buddy shows it: a summary in a list, in full by its own GET."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from . import attachments
from .company import is_awkward
from .edge_cases import ACTION_EDGE_CASES, make_action_awkward
from .pipelines import LastExecution
from .promotions import SECRET_MARKER, JsonObject, promotion, stages
from .seeded_random import SeededRandom

PROMOTION = "PROMOTE_IMAGE"
APPROVAL = "WAIT_FOR_APPLY"
OTHER_TYPES = ("BUILD", "DOCKERFILE", "SSH_COMMAND", "DOCKER_PUSH", "KUBERNETES_SET_IMAGE", "SLACK", "FTP", "SLEEP")
SUMMARY = (
    "url", "html_url", "id", "name", "type", "trigger_time", "disabled", "last_execution_status",
)  # fmt: skip
_TRIGGERS = (
    "ON_EVERY_EXECUTION", "ON_EVERY_EXECUTION", "ON_EVERY_EXECUTION", "ON_SUCCESS", "ON_WAIT_FOR_APPROVE",
    "ON_WAIT_FOR_APPROVE", "ON_FAILURE", "ON_BACK_TO_SUCCESS", "ON_WARNING", "ON_TERMINATE",
)  # fmt: skip
_NAMES = {"BUILD": "Build image", "DOCKERFILE": "Build Dockerfile", "SSH_COMMAND": "Restart service"}


class _Traits(NamedTuple):
    run_next: str
    ignore_errors: bool
    never_runs: bool


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
    last: LastExecution,
    awkward: bool,
) -> JsonObject:
    """Return an action without its `pipeline`; `versions` counts the changes of each aspect."""
    rng, traits = _traits(seed, path)
    trigger = SeededRandom(seed, "trigger", path, versions["trigger_time"]).choice(_TRIGGERS)
    found: JsonObject = {
        "type": kind,
        "url": urls[0],
        "html_url": urls[1],
        "id": action_id,
        "name": _name(seed, path, project, kind),
        "current_revision": last.revision or SeededRandom(seed, "before", path).hex(40),
        "trigger_time": _changed_trigger(trigger, versions["trigger_time"]),
        "trigger_conditions": attachments.trigger_conditions(
            SeededRandom(seed, "conditions", path, versions["trigger_conditions"])
        ),
        "run_next": traits.run_next,
        "run_only_on_first_failure": trigger == "ON_FAILURE",
        "variables": attachments.variables(
            SeededRandom(seed, "variables", path, versions["variables"]), action_id * 10
        ),
        "ignore_errors": traits.ignore_errors,
        "last_execution_status": last.status,
        "permissions": attachments.permissions(SeededRandom(seed, "permissions", path, versions["permissions"]), seed),
        "loop": ["amd64", "arm64"] if rng.one_in(8) else [],
        **_settings(SeededRandom(seed, "settings", path, versions["settings"]), versions["settings"]),
    }
    if kind == PROMOTION:
        found.update(promotion(seed, path, project, company, versions["dest"]))
    else:
        found["commands"] = ["docker build -t service .", f"login --token {SECRET_MARKER}"][: 1 + rng.below(2)]
    if awkward and is_awkward(slot + rng.below(8)):
        make_action_awkward(found, rng.choice(ACTION_EDGE_CASES), rng)
    return found


def never_runs(seed: int, path: str) -> bool:
    """Return whether an action has never run, although its pipeline has; one in ten."""
    return _traits(seed, path)[1].never_runs


def _traits(seed: int, path: str) -> tuple[SeededRandom, _Traits]:
    """Return the traits that an action always has, and the random numbers for its others."""
    rng = SeededRandom(seed, "action", path)
    run_next = rng.choice(("WAIT_ON_SUCCESS", "WAIT_ON_SUCCESS", "IN_SOFT_PARALLEL", "IN_HARD_PARALLEL"))
    return rng, _Traits(run_next, rng.one_in(6), rng.one_in(10))


def summary(action: JsonObject, awkward: bool) -> JsonObject:
    """Return an action as a list shows it; other types sometimes include their variables."""
    found = {field: action[field] for field in SUMMARY if field in action}
    if awkward and action["type"] != PROMOTION and action["id"] % 4 == 0 and "variables" in action:
        found["variables"] = action["variables"]
    if "labels" in action:
        found["labels"] = action["labels"]
    return found


def _settings(rng: SeededRandom, version: int) -> JsonObject:
    retries = rng.choice((0, 0, 0, 2, 3))
    return {
        "disabled": rng.one_in(10),
        # The version is part of the number, so that changed settings always differ.
        "timeout": rng.choice((0, 300, 900, 3600)) + version,
        "retry_count": retries,
        "retry_interval": 15 if retries else 0,
    }


def _changed_trigger(drawn: str, version: int) -> str:
    # Two draws can be equal; an odd version takes a different value, so that a change is always visible.
    if version % 2 == 0:
        return drawn
    return "ON_SUCCESS" if drawn == "ON_EVERY_EXECUTION" else "ON_EVERY_EXECUTION"


def _name(seed: int, path: str, project: str, kind: str) -> str:
    if kind != PROMOTION:
        return _NAMES.get(kind, kind.replace("_", " ").capitalize())
    source, dest = stages(seed, path)
    words = ("Promote {} from {} to {}", "Tag {}: {} → {}", "{}: copy {} image to {}")
    return SeededRandom(seed, "name", path).choice(words).format(project[:60], source, dest)

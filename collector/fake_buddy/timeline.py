"""What differs between nights, computed for any night without the nights before it.

Every aspect of an action changes with a period of its own, so its version on a night is one division. The first project
of each workspace has fixed events, so that a small world too shows an addition, a change, a removal and a return.
"""

from __future__ import annotations

from typing import NamedTuple

from .seeded_random import SeededRandom

# About one action in twenty changes its configuration on a night; these are the aspects that can.
ASPECTS = ("dest", "trigger_time", "permissions", "variables", "trigger_conditions", "settings")
_SLOWEST, _QUICKEST = 200, 40


class ActionIndexes(NamedTuple):
    """The position of an action in the world, as indexes (not ids)."""

    workspace: int
    project: int
    pipeline: int
    slot: int

    def __str__(self) -> str:
        return f"{self.workspace}.{self.project}.{self.pipeline}.{self.slot}"


def versions(seed: int, action: ActionIndexes, night: int, first_promotion: int) -> dict[str, int]:
    """Return how often each aspect of an action has changed by a night; 0 on the first night."""
    rng = SeededRandom(seed, "rhythm", *action)
    found = {}
    for aspect in ASPECTS:
        period = _QUICKEST + rng.below(_SLOWEST - _QUICKEST)
        fixed = _fixed_change(action, aspect, first_promotion)
        found[aspect] = (night - 1 + rng.below(period)) // period + (fixed is not None and night >= fixed)
    return found


def _fixed_change(action: ActionIndexes, aspect: str, first_promotion: int) -> int | None:
    # Every world has a new destination on night 2, a new trigger on night 3 and other permissions on night 4.
    if action.project or action.pipeline or action.slot != first_promotion:
        return None
    return {"dest": 2, "trigger_time": 3, "permissions": 4}.get(aspect)


def is_absent(seed: int, action: ActionIndexes, night: int, last_promotion: int) -> bool:
    """Return whether an action of the first night is missing on this one, for good or for some nights."""
    if night == 1:
        return False
    if action.project == 0 and action.slot == last_promotion:
        if action.pipeline == 1:
            return 2 <= night < 4  # removed, then back
        if action.pipeline == 2:
            return night >= 3  # removed for good
    rng = SeededRandom(seed, "leaves", *action)
    if not rng.one_in(24):
        return False
    leaves = 2 + rng.below(28)
    returns = leaves + 2 + rng.below(5) if rng.one_in(2) else None
    return night >= leaves and (returns is None or night < returns)


def added_actions(seed: int, action: ActionIndexes, night: int, limit: int) -> int:
    """Return how many actions a pipeline has gained since the first night, at most `limit`."""
    rng = SeededRandom(seed, "grows", *action)
    period = 12 + rng.below(40)
    gained = (night - 1 + rng.below(period)) // period
    fixed = action.project == 0 and action.pipeline == 0 and night >= 2
    return min(gained + fixed, limit)


def has_new_pipeline(seed: int, workspace: int, project: int, night: int) -> bool:
    """Return whether a project has its one additional pipeline on a night."""
    arrives = new_pipeline_night(seed, workspace, project)
    return arrives is not None and night >= arrives


def new_pipeline_night(seed: int, workspace: int, project: int) -> int | None:
    """Return the night on which a project gets its one additional pipeline; three projects in four never get one."""
    rng = SeededRandom(seed, "pipeline", workspace, project)
    return 3 + rng.below(20) if rng.one_in(4) else None

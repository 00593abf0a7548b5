"""What differs from night to night, told without folding over the nights that went before.

Every aspect of an action has a rhythm; its version on a night is one division. A few events are pinned in
the first project of each workspace, so that even a small world shows an addition, a change, a removal and a
return.
"""

from __future__ import annotations

from typing import NamedTuple

from .seeded_random import SeededRandom

# About one action in twenty changes its configuration on a night; these are the aspects that can.
ASPECTS = ("dest", "trigger_time", "permissions", "variables", "trigger_conditions", "settings")
_SLOWEST, _QUICKEST = 200, 40


class EntityPath(NamedTuple):
    """Where an action stands in the world: indexes, not ids."""

    workspace: int
    project: int
    pipeline: int
    slot: int

    def __str__(self) -> str:
        return f"{self.workspace}.{self.project}.{self.pipeline}.{self.slot}"


def versions(seed: int, place: EntityPath, night: int, first_promotion: int) -> dict[str, int]:
    """Return how often each aspect of an action had changed by a night; 0 on the first night."""
    dice = SeededRandom(seed, "rhythm", *place)
    found = {}
    for aspect in ASPECTS:
        period = _QUICKEST + dice.below(_SLOWEST - _QUICKEST)
        pinned = _pinned_change(place, aspect, first_promotion)
        found[aspect] = (night - 1 + dice.below(period)) // period + (pinned is not None and night >= pinned)
    found["execution"] = executions(seed, place, night)
    return found


def executions(seed: int, place: EntityPath, night: int) -> int:
    """Return how often an action had run by a night; a third of the actions run nearly every night."""
    dice = SeededRandom(seed, "runs", *place)
    period = 1 + dice.below(3) if dice.one_in(3) else 10 + dice.below(30)
    return (night - 1 + dice.below(period)) // period


def _pinned_change(place: EntityPath, aspect: str, first_promotion: int) -> int | None:
    # What every world promises: a new destination, then a new trigger, then other permissions.
    if place.project or place.pipeline or place.slot != first_promotion:
        return None
    return {"dest": 2, "trigger_time": 3, "permissions": 4}.get(aspect)


def is_away(seed: int, place: EntityPath, night: int, last_promotion: int) -> bool:
    """Say whether an action of the first night is missing on a later one, for ever or for a while."""
    if night == 1:
        return False
    if place.project == 0 and place.slot == last_promotion:
        if place.pipeline == 1:
            return 2 <= night < 4  # the one that returns
        if place.pipeline == 2:
            return night >= 3  # the one that does not
    dice = SeededRandom(seed, "leaves", *place)
    if not dice.one_in(24):
        return False
    leaves = 2 + dice.below(28)
    returns = leaves + 2 + dice.below(5) if dice.one_in(2) else None
    return night >= leaves and (returns is None or night < returns)


def newcomers(seed: int, place: EntityPath, night: int, most: int) -> int:
    """Return how many actions a pipeline has gained since the first night, its spare slots at most."""
    dice = SeededRandom(seed, "grows", *place)
    period = 12 + dice.below(40)
    gained = (night - 1 + dice.below(period)) // period
    pinned = place.project == 0 and place.pipeline == 0 and night >= 2
    return min(gained + pinned, most)


def has_new_pipeline(seed: int, workspace: int, project: int, night: int) -> bool:
    """Say whether a project has gained its one late pipeline by a night."""
    dice = SeededRandom(seed, "pipeline", workspace, project)
    return dice.one_in(4) and night >= 3 + dice.below(20)

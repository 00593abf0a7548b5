"""What happens in the executions of a pipeline: stories of four executions each, and how far one has come by a moment.

Times are minutes after night 1. An execution changes with the nights: it ends, it waits for days, it is retried.
"""

from __future__ import annotations

from dataclasses import dataclass

from .schedule import MINUTES_PER_DAY, PRODUCTION
from .seeded_random import SeededRandom

# A story begins with an ordinary release, so that there is something to compare with and to return to.
STORIES = (
    ("release", "release", "release", "release"),
    *(("release", "failed", "release", "failed"),) * 2,
    ("release", "failed", "failed", "release"),
    ("release", "failed before", "release", "release"),
    ("release", "retried", "release", "release"),
    ("release", "approved", "release", "release"),
    ("release", "abandoned", "release", "release"),
    ("release", "terminated", "release", "release"),
    ("release", "partial", "release", "release"),
    ("release", "superseded", "release", "release"),
    ("release", "release", "hotfix", "release"),
    ("release", "release", "rollback", "release"),
    ("release", "release", "rollback", "release"),
)
_ONLY_IN_PRODUCTION = ("hotfix", "rollback", "approved", "abandoned")
_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Course:
    """How far an execution has come: its status, and where it has stopped.

    `stop` is the status of the element at which it has stopped, None if every element has run; `rest` is that of the
    elements after it. After `resumed`, an approval or a retry, the work went on.
    """

    status: str
    begun: float
    worked_until: float
    finished: float | None
    stop: str | None = None
    rest: str = "ENQUEUED"
    resumed: float | None = None


def chapter(seed: int, pipeline: tuple[int, ...], number: int, stage: str) -> str:
    """Return what happens in an execution."""
    story = SeededRandom(seed, "story", *pipeline, number // _LENGTH).choice(STORIES)
    found = story[number % _LENGTH]
    return "release" if found in _ONLY_IN_PRODUCTION and stage != PRODUCTION else found


def course(told: str, begun: float, rng: SeededRandom, moment: float, *, long: bool) -> Course:
    """Return how far an execution has come by a moment."""
    minutes = (25 if long else 3) + rng.below(18)
    worked = begun + minutes
    if told == "superseded":
        return Course("SKIPPED", begun, begun, begun + 1, rest="NOT_EXECUTED")
    if moment < worked:
        return Course("INPROGRESS", begun, worked, None, "INPROGRESS")
    if told in ("failed", "failed before"):
        return Course("FAILED", begun, worked, worked, "FAILED", rng.choice(("ENQUEUED", "NOT_EXECUTED")))
    if told == "terminated":
        return Course("TERMINATED", begun, worked, worked, "TERMINATED", "NOT_EXECUTED")
    if told == "retried":
        return _retried(begun, worked, minutes, worked + MINUTES_PER_DAY + rng.below(900), moment)
    if told in ("approved", "abandoned"):
        decided = worked + (1 + rng.below(3)) * MINUTES_PER_DAY + rng.below(300)
        return _decided(told == "approved", begun, worked, decided, moment)
    return Course("SUCCESSFUL", begun, worked, worked)


def _retried(begun: float, worked: float, minutes: int, again: float, moment: float) -> Course:
    if moment < again + minutes:
        return Course("FAILED", begun, worked, worked, "FAILED")
    return Course("SUCCESSFUL", begun, worked, again + minutes, resumed=again)


def _decided(approved: bool, begun: float, worked: float, decided: float, moment: float) -> Course:
    if moment < decided + 5:
        return Course("WAITING_FOR_APPLY", begun, worked, None, "WAITING_FOR_APPLY")
    if approved:
        return Course("SUCCESSFUL", begun, worked, decided + 5, resumed=decided)
    return Course("TERMINATED", begun, worked, decided, "TERMINATED", "NOT_EXECUTED")

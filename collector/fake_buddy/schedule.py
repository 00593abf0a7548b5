"""When the pipelines of a project run: timetables that repeat, so that the n-th execution is found by a division.

A night of the world is the end of a day of 24 hours, and an execution of that day is in the lists from that night on.
Days count from the beginning of the history; the day that ends with night 1 is number `DAYS_BEFORE`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

from .seeded_random import SeededRandom

DAYS_BEFORE = 29
MINUTES_PER_DAY = 1440
STAGING, PRODUCTION = "staging", "production"
_WEEK, _SEASON = 7, 21
_NEW_ON_STAGING, _TO_PRODUCTION, _JUST_BEFORE_NIGHT = 240, 600, 1428

PipelineIndexes = tuple[int, int, int]  # of the workspace, of the project and of the pipeline


class ScheduledRun(NamedTuple):
    """One entry of a timetable: the day of the cycle, the minute of the day, the stage it promotes to, and why."""

    day: int
    minute: int
    stage: str
    reason: str  # "release", "preview" (of a branch that is not released) or "nightly"


@dataclass(frozen=True)
class Timetable:
    """The entries of a cycle of days, in order."""

    days: int
    runs: tuple[ScheduledRun, ...]

    def count(self, days: int) -> int:
        """Return how many executions begin in the first days of the history."""
        cycles, rest = divmod(days, self.days)
        return cycles * len(self.runs) + bisect_left(self.runs, rest, key=lambda run: run.day)

    def run(self, number: int) -> tuple[int, ScheduledRun]:
        """Return the day of an execution, counted from 0, and its entry."""
        cycle, place = divmod(number, len(self.runs))
        return cycle * self.days + self.runs[place].day, self.runs[place]


def night_of(day: int) -> int:
    """Return the night whose world an execution of a day has met; the days before night 1 have met that of night 1."""
    return max(1, day - DAYS_BEFORE + 1)


def days_until(night: int) -> int:
    """Return the number of days of history that have ended when a night is served."""
    return DAYS_BEFORE + night


def minutes_after_first_night(day: int, minute: int) -> int:
    """Return a minute of a day as minutes after the moment of night 1; negative before it."""
    return (day - DAYS_BEFORE - 1) * MINUTES_PER_DAY + minute


def release_days(seed: int, workspace: int, project: int) -> frozenset[int]:
    """Return the days of the week on which a project has a new release: four or five of the seven."""
    rng = SeededRandom(seed, "release-days", workspace, project)
    return frozenset(range(_WEEK)) - {rng.below(_WEEK), rng.below(_WEEK), rng.below(_WEEK)}


def latest_release_day(days: frozenset[int], day: int) -> int:
    """Return the last day, up to a given one, on which there was a new release."""
    return next(day - back for back in range(_WEEK) if (day - back) % _WEEK in days)


def timetable(seed: int, pipeline: PipelineIndexes, stages: frozenset[str]) -> Timetable:
    """Return when a pipeline runs that promotes to the given stages.

    Staging gets each release of the project in the morning, production later in the day, not every day. One pipeline in
    twelve never runs, and some that only promote to production run a few times in three weeks.
    """
    rng = SeededRandom(seed, "timetable", *pipeline)
    among_the_first = pipeline[1] == 0 and pipeline[2] < 3  # so that the smallest world runs too
    if rng.one_in(12) and not among_the_first:
        return Timetable(_WEEK, ())
    if rng.one_in(3) and stages == {PRODUCTION} and not among_the_first:
        first = rng.below(_SEASON)
        runs = [_to_production(first, rng.below(300)), _to_production((first + 9) % _SEASON, rng.below(300))]
        return Timetable(_SEASON, tuple(sorted(runs)))
    runs = []
    if STAGING in stages or not stages:
        for day in release_days(seed, *pipeline[:2]):
            runs += _staging_runs(SeededRandom(seed, "morning", *pipeline, day), day)
    if PRODUCTION in stages:
        for day in range(_WEEK):
            runs += _production_runs(SeededRandom(seed, "afternoon", *pipeline, day), day)
        runs = runs or [_to_production(3, 0)]
    if rng.one_in(4):
        runs.append(ScheduledRun(rng.below(_WEEK), _JUST_BEFORE_NIGHT + rng.below(6), STAGING, "nightly"))
    return Timetable(_WEEK, tuple(sorted(runs)))


def _staging_runs(rng: SeededRandom, day: int) -> list[ScheduledRun]:
    found = [ScheduledRun(day, _NEW_ON_STAGING + rng.below(240), STAGING, "release")]
    if rng.one_in(5):
        found.append(ScheduledRun(day, 120 + rng.below(100), STAGING, "preview"))
    return found


def _production_runs(rng: SeededRandom, day: int) -> list[ScheduledRun]:
    if rng.below(7) >= 4:
        return []
    found = [_to_production(day, rng.below(400))]
    if rng.one_in(8):
        found.append(_to_production(day, 420 + rng.below(120)))
    return found


def _to_production(day: int, minutes_later: int) -> ScheduledRun:
    return ScheduledRun(day, _TO_PRODUCTION + minutes_later, PRODUCTION, "release")

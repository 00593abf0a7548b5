"""The executions of every pipeline up to a night, each computed alone from its number; nothing is stored.

Numbers count from 0 and are those of the timetable: a pipeline that came later begins with a higher one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from .actions import APPROVAL, never_runs
from .ids import Ids
from .pipelines import LastExecution
from .promotions import stages
from .revisions import HOTFIX, MAIN, PREVIEW, RevisionKey, revision_hash
from .schedule import (
    MINUTES_PER_DAY,
    PRODUCTION,
    PipelineIndexes,
    Timetable,
    days_until,
    latest_release_day,
    minutes_after_first_night,
    night_of,
    release_days,
    timetable,
)
from .seeded_random import SeededRandom
from .stories import Course, chapter, course
from .timeline import ActionIndexes, new_pipeline_night

_NEVER = LastExecution("INITIAL", None)
# Elements of these statuses have not run: an action shows them as its last execution only if it has no other.
_NOT_RUN = ("ENQUEUED", "NOT_EXECUTED", "SKIPPED")
_ENOUGH = 8


class PastExecution(NamedTuple):
    """One execution as it stands on the night of its history."""

    day: int
    stage: str
    reason: str
    chapter: str
    course: Course


class History:
    """The executions of all pipelines of a world, as they stand on one night."""

    def __init__(self, ids: Ids, night: int) -> None:
        self._ids = ids
        self._night = night
        self._moment = (night - 1) * MINUTES_PER_DAY
        self._stages = lru_cache(maxsize=512)(self._compute_stages)
        self._timetable = lru_cache(maxsize=512)(self._compute_timetable)
        self.execution = lru_cache(maxsize=2048)(self._compute_execution)
        self.slots = lru_cache(maxsize=512)(self._compute_slots)
        self.stopped_at = lru_cache(maxsize=512)(self._compute_stopped_at)

    # Which there are

    def numbers(
        self, pipeline: PipelineIndexes, since_night: int | None = None, until_night: int | None = None
    ) -> range:
        """Return the numbers of a pipeline's executions, oldest first: of all nights up to this one, or of some."""
        plan = self._timetable(pipeline)
        arrived = since_night
        if arrived is None and pipeline[2] == self._ids.pipelines:
            arrived = new_pipeline_night(self._ids.seed, pipeline[0], pipeline[1])
        first = 0 if arrived is None else plan.count(days_until(arrived - 1))
        return range(first, max(first, plan.count(days_until(until_night or self._night))))

    def _compute_timetable(self, pipeline: PipelineIndexes) -> Timetable:
        if self._ids.is_empty(pipeline[2]):
            return Timetable(1, ())
        return timetable(self._ids.seed, pipeline, self._stages(pipeline))

    def _compute_stages(self, pipeline: PipelineIndexes) -> frozenset[str]:
        """Return the stages that the first promotions of a pipeline promote to."""
        actions = (ActionIndexes(*pipeline, slot) for slot in range(self._ids.actions))
        promotions = islice(filter(self._ids.is_promotion, actions), _ENOUGH)
        return frozenset(stages(self._ids.seed, str(action))[1] for action in promotions)

    # One execution

    def _compute_execution(self, pipeline: PipelineIndexes, number: int) -> PastExecution:
        day, planned = self._timetable(pipeline).run(number)
        told = "release"
        if planned.reason == "release":
            told = chapter(self._ids.seed, pipeline, number, planned.stage)
        begun = minutes_after_first_night(day, planned.minute)
        rng = SeededRandom(self._ids.seed, "course", *pipeline, number)
        found = course(told, begun, rng, self._moment, long=planned.reason == "nightly")
        return PastExecution(day, planned.stage, planned.reason, told, found)

    def revision(self, pipeline: PipelineIndexes, number: int) -> RevisionKey:
        """Return the revision that an execution is about."""
        execution = self.execution(pipeline, number)
        if execution.reason == "preview":
            return PREVIEW, execution.day, number
        if execution.chapter == "hotfix":
            return HOTFIX, execution.day, number
        if execution.chapter == "rollback":
            earlier = self.rollback(pipeline, number)
            if earlier is not None:
                return earlier
        days = release_days(self._ids.seed, pipeline[0], pipeline[1])
        return MAIN, latest_release_day(days, execution.day), 0

    def rollback(self, pipeline: PipelineIndexes, number: int) -> RevisionKey | None:
        """Return the revision that was in production before the present one, if there was one lately."""
        current: RevisionKey | None = None
        for earlier in range(number - 1, max(-1, number - 2 * _ENOUGH), -1):
            execution = self.execution(pipeline, earlier)
            if execution.stage == PRODUCTION and execution.chapter == "release":
                found = self.revision(pipeline, earlier)
                if current is not None and found != current:
                    return found
                current = found
        return None

    # The elements

    def _compute_slots(self, pipeline: PipelineIndexes, night: int) -> Sequence[int]:
        return self._ids.slots_in(*pipeline, night)

    def _compute_stopped_at(self, pipeline: PipelineIndexes, number: int) -> int:
        """Return the slot at which an execution stops, if it does; mostly that of a promotion."""
        execution = self.execution(pipeline, number)
        present = self.slots(pipeline, night_of(execution.day))
        if not present:
            return 0
        place = SeededRandom(self._ids.seed, "stops", *pipeline, number).below(len(present))
        nearby = [*present[place : place + _ENOUGH], *present[:place][:_ENOUGH]]
        promotions = [slot for slot in nearby if self._could_promote(ActionIndexes(*pipeline, slot), execution.stage)]
        found = promotions[0] if promotions else present[place]
        if execution.chapter == "failed before":
            others = [slot for slot in present[:_ENOUGH] if not self._ids.is_promotion(ActionIndexes(*pipeline, slot))]
            return others[0] if others else found
        before = ActionIndexes(*pipeline, found - 1)
        if execution.chapter in ("approved", "abandoned") and before.slot in present:
            return before.slot if self._ids.action_type(before) == APPROVAL and not self._never(before) else found
        return found

    def _could_promote(self, action: ActionIndexes, stage: str) -> bool:
        return (
            self._ids.is_promotion(action)
            and stages(self._ids.seed, str(action))[1] == stage
            and not never_runs(self._ids.seed, str(action))
        )

    def element(self, action: ActionIndexes, number: int) -> str | None:
        """Return the status of an action's element in an execution; None if the execution has no such element."""
        pipeline = (action.workspace, action.project, action.pipeline)
        execution = self.execution(pipeline, number)
        if action.slot not in self.slots(pipeline, night_of(execution.day)) or self._never(action):
            return None
        promotes = self._ids.is_promotion(action)
        if execution.chapter == "partial" and promotes:
            return None if number % 2 else "NOT_EXECUTED"
        now = execution.course
        if now.status == "SKIPPED":
            return now.rest
        if now.stop is not None:
            stopped_at = self.stopped_at(pipeline, number)
            if action.slot >= stopped_at:
                return now.stop if action.slot == stopped_at else now.rest
        if promotes and self._belongs_elsewhere(action, execution.stage):
            return "SKIPPED"
        return "SUCCESSFUL"

    def _belongs_elsewhere(self, action: ActionIndexes, stage: str) -> bool:
        """Return whether a promotion waits for executions to another stage: its trigger conditions are not met."""
        other = stages(self._ids.seed, str(action))[1]
        return other != stage and other in self._stages((action.workspace, action.project, action.pipeline))

    def _never(self, action: ActionIndexes) -> bool:
        return never_runs(self._ids.seed, str(action))

    # The last ones

    def last_of_pipeline(self, pipeline: PipelineIndexes) -> LastExecution:
        """Return the status and the revision that a pipeline shows of its last execution."""
        numbers = self.numbers(pipeline)
        if not numbers:
            return _NEVER
        return LastExecution(self.execution(pipeline, numbers[-1]).course.status, self._hash(pipeline, numbers[-1]))

    def last_of_action(self, action: ActionIndexes) -> LastExecution:
        """Return the status that an action shows of its last execution, and the revision of its last successful one."""
        pipeline = (action.workspace, action.project, action.pipeline)
        if self._never(action):
            return _NEVER
        ran: str | None = None
        reached: str | None = None
        for number in reversed(self.numbers(pipeline)):
            found = self.element(action, number)
            if found is None and action.slot >= self._ids.actions:
                break  # it was added later
            reached = reached or found
            if found is not None and found not in _NOT_RUN:
                ran = ran or found
            if found == "SUCCESSFUL":
                return LastExecution(ran or found, self._hash(pipeline, number))
        return LastExecution(ran or ("SKIPPED" if reached else "INITIAL"), None)

    def _hash(self, pipeline: PipelineIndexes, number: int) -> str:
        return revision_hash(self._ids.seed, pipeline[0], pipeline[1], self.revision(pipeline, number))

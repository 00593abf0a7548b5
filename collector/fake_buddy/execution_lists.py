"""The lists of executions: which id belongs to which execution, and the edits of a test applied to them.

A page is computed from the ids on it alone; only a list from which a test has removed something is looked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from .actions import PROMOTION
from .company import PEOPLE
from .edits import EXECUTIONS, Edits, Path
from .execution_views import ExecutionViews
from .ids import Ids
from .lookup import Lookup
from .pipelines import timestamp
from .promotions import JsonObject
from .revisions import MAIN, branch, revision
from .schedule import DAYS_BEFORE, PipelineIndexes
from .seeded_random import SeededRandom, shuffled
from .timeline import ActionIndexes

_ELEMENTS = "action_executions"
_SECONDS_APART = 10


class _Origin(NamedTuple):
    """Where an execution comes from: its number in the history, or its place among those that a test added."""

    number: int | None
    added: int | None


class ExecutionLists:
    """The executions of all pipelines on one night, by path."""

    def __init__(self, ids: Ids, night: int, lookup: Lookup, edits: Edits) -> None:
        self._ids = ids
        self._night = night
        self._lookup = lookup
        self._edits = edits
        self._views = ExecutionViews(ids, lookup.history)

    def page(self, pipeline: Path, start: int, size: int | None) -> tuple[list[JsonObject], int]:
        """Return a slice of a list, newest first, as the list shows it, and the length of the list."""
        ids = self._listed(pipeline)
        stop = len(ids) if size is None else min(start + size, len(ids))
        positions: Sequence[int] = range(start, stop)
        if pipeline in self._edits.disordered:
            positions = [shuffled(position, len(ids)) for position in positions]
        return [self._item(pipeline, ids[position], short=True) for position in positions], len(ids)

    def members(self, workspace: int) -> list[JsonObject]:
        """Return the members of a workspace, who start the executions."""
        return [self._views.member(workspace, person) for person in range(len(PEOPLE))]

    def item(self, pipeline: Path, execution_id: int) -> JsonObject:
        """Return an execution in full; LookupError if there is none."""
        if not self.has((*pipeline, EXECUTIONS, execution_id)):
            raise LookupError(pipeline, execution_id)
        return self._item(pipeline, execution_id, short=False)

    def has(self, path: Path) -> bool:
        """Return whether the path of a list, or of one execution, leads somewhere; its pipeline must exist."""
        return len(path) == 4 or (path not in self._edits.removed and 0 < int(path[4]) <= self._top_id(path[:3]))

    def _top_id(self, pipeline: Path) -> int:
        return len(self._numbers(pipeline)) + len(self._added(pipeline))

    def _listed(self, pipeline: Path) -> Sequence[int]:
        """Return the ids of a list, highest first."""
        ids = range(self._top_id(pipeline), 0, -1)
        gone = {path[4] for path in self._edits.removed if len(path) == 5 and path[:3] == pipeline}
        return [execution_id for execution_id in ids if execution_id not in gone] if gone else ids

    def _numbers(self, pipeline: Path, night: int | None = None) -> range:
        """Return the numbers of the history that a list holds; of an added pipeline, none."""
        indexes = self._indexes(pipeline)
        if indexes is None:
            return range(0)
        return self._lookup.history.numbers(indexes, self._edits.recreated.get(pipeline), night)

    def _added(self, pipeline: Path) -> list[tuple[int, Any]]:
        """Return the executions that a test has added, in order, each with its night."""
        since = self._edits.recreated.get(pipeline, 1)
        runs = [run for run in self._edits.runs.get(pipeline, ()) if run[0] >= since]
        return sorted(runs, key=lambda run: run[0])

    def _indexes(self, pipeline: Path) -> PipelineIndexes | None:
        found = self._lookup.find(pipeline)
        return None if found is None else (found[0], found[1], found[2])

    def _origin(self, pipeline: Path, execution_id: int) -> _Origin:
        """Return which execution has an id: added ones stand after the history of their own night."""
        before = 0
        for place, (night, _) in enumerate(self._added(pipeline)):
            own_id = len(self._numbers(pipeline, night)) + place + 1
            if own_id == execution_id:
                return _Origin(None, place)
            before += own_id < execution_id
        return _Origin(self._numbers(pipeline)[execution_id - before - 1], None)

    def _item(self, pipeline: Path, execution_id: int, *, short: bool) -> JsonObject:
        origin, indexes = self._origin(pipeline, execution_id), self._indexes(pipeline)
        if origin.added is not None:
            found = self._added_item(pipeline, execution_id, origin.added)
        else:
            assert origin.number is not None
            assert indexes is not None
            first = origin.number == self._numbers(pipeline)[0]
            make = self._views.short if short else self._views.detail
            found = make(indexes, origin.number, execution_id, first)
        found = self._edits.apply((*pipeline, EXECUTIONS, execution_id), found)
        return {name: value for name, value in found.items() if name != _ELEMENTS} if short else found

    def _added_item(self, pipeline: Path, execution_id: int, place: int) -> JsonObject:
        """Return an execution that a test has added: all promotions of its night, successful, unless it says more."""
        night, fields = self._added(pipeline)[place]
        indexes = self._indexes(pipeline) or (0, 0, 0)
        rng = SeededRandom(self._ids.seed, "added", pipeline, place)
        began = self._ids.first_night + timedelta(days=night - 1, minutes=-5, seconds=_SECONDS_APART * place)
        times = {"start_date": timestamp(began, 1), "finish_date": timestamp(began + timedelta(minutes=3), 0)}
        urls = self._ids.project_urls(indexes[0], indexes[1])
        key = (MAIN, DAYS_BEFORE + night, 1 + place)
        found = {
            **self._views.urls(indexes, execution_id, rng.hex(24)),
            "id": execution_id,
            **times,
            "triggeredOn": "CLICK",
            "priority": "NORMAL",
            "refresh": False,
            "status": "SUCCESSFUL",
            "comment": "added by a test",
            "branch": branch("main", urls),
            "tag": None,
            "pull_request": None,
            "to_revision": revision(self._ids.seed, indexes[0], indexes[1], key, urls, self._ids.first_night),
            "creator": self._views.member(indexes[0], 0),
            **fields,
        }
        if _ELEMENTS not in found:
            found[_ELEMENTS] = self._promotions(pipeline, night, {**times, "status": found["status"]}, rng)
        return {name: value for name, value in found.items() if value is not ...}

    def _promotions(self, pipeline: Path, night: int, fields: JsonObject, rng: SeededRandom) -> list[JsonObject]:
        indexes = self._indexes(pipeline)
        if indexes is None:
            return []
        history = self._lookup.history
        actions = [ActionIndexes(*indexes, slot) for slot in history.slots(indexes, night)]
        return [
            {
                "action_execution_id": SeededRandom(rng.hex(8), slot).hex(24),
                "progress": 100,
                **fields,
                "action": self._views.shown(action, night),
            }
            for slot, action in enumerate(actions)
            if self._ids.action_type(action) == PROMOTION
        ]

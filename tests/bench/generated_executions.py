"""Executions of a generated run: a number of them a night, of random promotions, with people, revisions and failures.

Each execution has one element of a promote-image action. One in ten has an approval before it, in `extra` as the lake
keeps elements of other types, and one in ten is read again in the next run, because it had not ended. A project has a
new revision every three days; one execution in ten takes the one before.
"""

import hashlib
import json
import random
from datetime import datetime, timedelta

import pyarrow as pa

from collector.lake.execution_tables import ACTION_EXECUTIONS, EXECUTIONS
from collector.lake.manifest import RunEntry
from collector.lake.staging import record_batch
from collector.lake.table import Table

_STATUSES = ("SUCCESSFUL",) * 17 + ("FAILED", "FAILED", "TERMINATED")
_PEOPLE = 25
_BRANCHES = ("main", "main", "main", "release", "hotfix/checkout")


class GeneratedExecutions:
    """The executions of run after run: ids go on per pipeline, and what has not ended is read again."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._count = count
        self._rng = random.Random(seed)
        self._last_ids: dict[tuple[str, ...], int] = {}
        self._unfinished: list[dict[str, object]] = []

    def of_run(self, run: RunEntry, actions: pa.Table) -> dict[str, pa.Table]:
        """Return the rows of both tables for a run, sorted by their keys; `actions` are its promote-image actions."""
        executions = [self._ended(each) for each in self._unfinished]
        chosen = self._rng.sample(range(len(actions)), min(self._count, len(actions)))
        new = [self._execution(run, action) for action in actions.take(chosen).to_pylist()]
        self._unfinished = [each for each in new if each["status"] == "INPROGRESS"]
        return {
            table.name: _table(table, run, rows)
            for table, rows in (
                (EXECUTIONS, [*executions, *new]),
                (ACTION_EXECUTIONS, [_element(each) for each in (*executions, *new)]),
            )
        }

    def _execution(self, run: RunEntry, action: dict[str, object]) -> dict[str, object]:
        key = {name: action[name] for name in ("installation", "workspace", "project", "pipeline_id")}
        place = tuple(map(str, key.values()))
        number = self._last_ids[place] = self._last_ids.get(place, 0) + 1
        began = run.started_at.replace(tzinfo=None) - timedelta(seconds=self._rng.randrange(60, 86_000))
        person = self._rng.randrange(_PEOPLE)
        period = began.toordinal() // 3 - (self._rng.random() < 0.1)
        found: dict[str, object] = {
            **key,
            "execution_id": number,
            "status": "INPROGRESS" if self._rng.random() < 0.1 else self._rng.choice(_STATUSES),
            "triggered_on": "EVENT",
            "start_date": began,
            "finish_date": None,
            "creator_id": person,
            "creator_name": f"Person {person}",
            "branch": self._rng.choice(_BRANCHES),
            "from_revision": _revision(place[:3], period - 1),
            "to_revision": _revision(place[:3], period),
            "comment": "release",
            "coverage": "fetched",
            "fetched_at": run.started_at.replace(tzinfo=None),
            "extra": _approval(began, person) if self._rng.random() < 0.1 else None,
            "action": action,
        }
        return self._ended(found) if found["status"] != "INPROGRESS" else found

    def _ended(self, execution: dict[str, object]) -> dict[str, object]:
        status = self._rng.choice(_STATUSES) if execution["status"] == "INPROGRESS" else execution["status"]
        start = execution["start_date"]
        assert isinstance(start, datetime)
        return {**execution, "status": status, "finish_date": start + timedelta(seconds=self._rng.randrange(20, 600))}


def _revision(project: tuple[str, ...], period: int) -> str:
    return hashlib.sha1(repr((project, period)).encode(), usedforsecurity=False).hexdigest()


def _approval(began: object, person: int) -> str:
    approval = {"action": {"id": 1, "type": "WAIT_FOR_APPLY"}, "status": "SUCCESSFUL", "approver_id": person}
    return json.dumps({"action_executions": [approval | {"approval_date": f"{began}Z"}]})


def _element(execution: dict[str, object]) -> dict[str, object]:
    action = execution["action"]
    assert isinstance(action, dict)
    found = {name: value for name, value in execution.items() if name != "extra"}
    return found | {
        "action_execution_id": f"{execution['pipeline_id']}x{execution['execution_id']}",
        "position": 2,
        "action_id": action["action_id"],
        "action_name": action["name"],
        "action_type": "PROMOTE_IMAGE",
        "error_message": "manifest unknown" if execution["status"] == "FAILED" else None,
    }


def _table(table: Table, run: RunEntry, rows: list[dict[str, object]]) -> pa.Table:
    values = [{**row, "run_id": run.run_id, "run_date": run.run_date} for row in rows]
    tuples = [tuple([row.get(name) for name in table.column_names]) for row in values]
    made = pa.Table.from_batches([record_batch(table, tuples)])
    return made.sort_by([(key, "ascending") for key in table.key])

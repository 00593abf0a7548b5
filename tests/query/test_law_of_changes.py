"""Any sequence of runs tells the same story as forty lines of plain Python."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.query.changes import SMALL_BYTES
from tests.query.staged_runs import HOME, Row, StagedRuns, run_of

# What becomes of an action in one run. The last four are ways of not seeing it.
FATES = ("same", "changed", "ran", "away", "deleted", "failed", "quarantined", "unlisted", "forbidden")
NUMBERS = (1, 2, 3)


@dataclass
class Known:
    """What the model knows of an action: its columns as last seen, and where it stands in its life."""

    columns: dict[str, object]
    first: str
    last: str
    removed: bool = False


@dataclass
class Model:
    """The law: changes against the last known row; removed when known to be gone; whatever is unseen says nothing."""

    known: dict[int, Known] = field(default_factory=dict)

    def run(self, run_id: str, seen: dict[int, dict[str, object]], gone: set[int]) -> set[tuple[object, ...]]:
        """The changes of a run in which `seen` were fetched and `gone` are known not to exist."""
        changes: set[tuple[object, ...]] = set()
        for number, columns in seen.items():
            before = self.known.get(number)
            if before is None:
                changes.add((number, "added", None, None, None, None))
            elif before.removed:
                changes.add((number, "returned", None, None, None, before.last))
            else:
                changes |= {
                    (number, "changed", name, before.columns[name], value, before.last)
                    for name, value in columns.items()
                    if value != before.columns[name]
                }
            self.known[number] = Known(columns, before.first if before else run_id, run_id)
        for number, before in self.known.items():
            if number in gone and not before.removed:
                changes.add((number, "removed", None, None, None, before.last))
                before.removed = True
        return changes


def staged(fates: dict[int, str], columns: dict[int, dict[str, object]]) -> dict[str, list[Row]]:
    """The rows of a run: each action is alone in a pipeline of its number."""
    place = {**HOME, "project": "web"}
    rows: dict[str, list[Row]] = {
        "workspaces": [{**HOME, "coverage": "complete"}],
        "projects": [{**place, "coverage": "complete"}],
        "pipelines": [],
        "actions": [],
        "promote_image_actions": [],
    }
    for number, fate in fates.items():
        key = {**place, "pipeline_id": number, "action_id": number}
        coverage = {"unlisted": "failed", "forbidden": "forbidden"}.get(fate, "complete")
        rows["pipelines"].append({**place, "pipeline_id": number, "coverage": coverage})
        if fate in ("same", "changed", "ran"):
            rows["actions"].append({**key, "coverage": "fetched"})
            rows["promote_image_actions"].append({**key, **columns[number]})
        elif fate in ("failed", "quarantined"):
            rows["actions"].append({**key, "coverage": fate})
        elif fate == "deleted":
            rows["actions"].append({**key, "coverage": "gone"})
    return rows


_STORIES = st.lists(st.fixed_dictionaries({n: st.sampled_from(FATES) for n in NUMBERS}), min_size=2, max_size=6)
_SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("small_bytes", [SMALL_BYTES, 0], ids=["in memory", "in files"])
@given(story=_STORIES)
@settings(_SETTINGS, max_examples=4)
def test_every_story_is_told_as_the_law_says(story: list[dict[int, str]], small_bytes: int) -> None:
    """Whatever happens to three actions, changes, last known rows and lives equal those of the model."""
    with (
        patch("collector.query.changes.SMALL_BYTES", small_bytes),
        patch("collector.query.changes.RANGE_BYTES", 1),  # each action is a range of its own
        patch("collector.query.changes.COMPARED_BYTES", 1),
    ):
        _told_by_the_law(story)


@pytest.mark.faults
@given(_STORIES)
@settings(_SETTINGS, max_examples=100)
def test_a_hundred_stories(story: list[dict[int, str]]) -> None:
    """The same, a hundred times."""
    _told_by_the_law(story)


def _told_by_the_law(story: list[dict[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs, model = StagedRuns(Path(folder)), Model()
        columns: dict[int, dict[str, object]] = {n: {"name": "0", "last_execution_status": None} for n in NUMBERS}
        for number, fates in enumerate(story):
            run_id, _ = run_of(number)
            for n, fate in fates.items():
                if fate == "changed":
                    columns[n] = {**columns[n], "name": f"named in run {number}"}
                if fate == "ran":
                    columns[n] = {**columns[n], "last_execution_status": f"ran in run {number}"}
            seen = {n: columns[n] for n, fate in fates.items() if fate in ("same", "changed", "ran")}
            gone = {n for n, fate in fates.items() if fate in ("away", "deleted")}
            expected = model.run(run_id, seen, gone)
            left = runs.collect(staged(fates, columns))
            names = ("action_id", "change", "column_name", "old_value", "new_value", "previous_run_id")
            told = [tuple(row[name] for name in names) for row in left["action_changes"]]
            assert len(told) == len(set(told))
            assert set(told) == expected
            assert {
                (row["action_id"], row["name"], row["first_seen_run_id"], row["last_seen_run_id"])
                for row in left["last_known_actions"]
            } == {(n, k.columns["name"], k.first, k.last) for n, k in model.known.items() if not k.removed}
            assert {(row["action_id"], row["removed_run_id"] is not None) for row in left["action_state"]} == {
                (n, k.removed) for n, k in model.known.items()
            }

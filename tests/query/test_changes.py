"""What changed: compared with the last known row, and never claiming more than was seen."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.lake.tables import CHILD_TABLES, TABLES
from collector.query.changes import SMALL_BYTES
from tests.query.staged_actions import PLACE, action, by_case, said, together, world
from tests.query.staged_runs import KEY, Row, StagedRuns, run_of, write


def test_on_the_first_run_all_are_added(tmp_path: Path) -> None:
    """Every action of the first run is added, with nothing to compare and no earlier run."""
    left = StagedRuns(tmp_path).collect(world([action(2), action(1)]))
    assert said(left["action_changes"]) == [(1, "added", None, None, None), (2, "added", None, None, None)]
    assert {row["aspect"] for row in left["action_changes"]} == {"configuration"}
    assert {row["previous_run_id"] for row in left["action_changes"]} == {None}
    first, run_date = run_of(0)
    assert {(row["run_id"], row["run_date"]) for row in left["action_changes"]} == {(first, run_date)}
    assert {(r["first_seen_run_id"], r["last_seen_run_id"]) for r in left["last_known_actions"]} == {(first, first)}


def test_a_run_like_the_one_before_says_nothing(tmp_path: Path) -> None:
    """Equal rows give no change, however they came: another order, another time of fetching."""
    runs = StagedRuns(tmp_path)
    runs.collect(world([action(1, loop=["a"]), action(2, extra='{"pipeline":{"a":1},"x":2}')]))
    left = runs.collect(world([action(2, extra='{"pipeline":{"a":9},"x":2}'), action(1, loop=["a"])]))
    assert left["action_changes"] == []
    assert {row["last_seen_run_id"] for row in left["last_known_actions"]} == {run_of(1)[0]}
    assert {row["first_seen_run_id"] for row in left["last_known_actions"]} == {run_of(0)[0]}


COLUMNS: list[tuple[str, Any, Any, str | None, str | None]] = [
    ("name", "a", "b", "a", "b"),
    ("name", None, "", None, ""),
    ("name", "NULL", None, "NULL", None),
    ("name", "a", "A", "a", "A"),
    ("name", "\u00e9", "e\u0301", "\u00e9", "e\u0301"),
    ("timeout", 5, 6, "5", "6"),
    ("timeout", None, 0, None, "0"),
    ("disabled", False, True, "false", "true"),
    ("disabled", None, False, None, "false"),
    ("loop", ["a"], ["a", "b"], '["a"]', '["a","b"]'),
    ("loop", None, [], None, "[]"),
    ("loop", ["a", "b"], ["b", "a"], '["a","b"]', '["b","a"]'),
    ("loop", ["a,b"], ["a", "b"], '["a,b"]', '["a","b"]'),
    ("src_tag", 'it\'s "q"; drop table x', "\u202eoff", 'it\'s "q"; drop table x', "\u202eoff"),
    ("extra", '{"a":1}', '{"a":2}', '{"a":1}', '{"a":2}'),
    ("extra", None, '{"a":null}', None, '{"a":null}'),
    ("extra", '{"a":1,"pipeline":{"x":1}}', None, '{"a":1}', None),
    ("last_execution_status", "SUCCESSFUL", "FAILED", "SUCCESSFUL", "FAILED"),
    ("current_revision", "1", "2", "1", "2"),
]


def test_a_changed_column_is_one_row(tmp_path: Path) -> None:
    """A change names the column with both values as text, NULL-safe and exact; statuses are of aspect execution."""
    cases = {f"{number}: {case[0]}": case for number, case in enumerate(COLUMNS)}
    runs = StagedRuns(tmp_path)
    runs.collect(together({n: world([action(1, **{c[0]: c[1]}), action(2)]) for n, c in cases.items()}))
    left = runs.collect(together({n: world([action(1, **{c[0]: c[2]}), action(2)]) for n, c in cases.items()}))
    changes = by_case(cases, left["action_changes"])
    for name, (column, _, _, old, new) in cases.items():
        (change,) = changes[name]
        assert said([change]) == [(1, "changed", column, old, new)]
        executed = column in ("last_execution_status", "current_revision")
        assert change["aspect"] == ("execution" if executed else "configuration")
        assert change["previous_run_id"] == run_of(0)[0]


EXTRAS: list[tuple[str, str | None, bool]] = [
    ('{"pipeline":{"a":1},"x":{"pipeline":{"a":1}}}', '{"pipeline":{"a":2},"x":{"pipeline":{"a":2}}}', True),
    ('{"pipeline":1,"x":{"pipeline":12}}', '{"pipeline":1,"x":{"pipeline":13}}', True),
    ('{"x":{"pipeline":1}}', '{"x":{"pipeline":2}}', True),
    ('{"x":"\\"pipeline\\":1","pipeline":1}', '{"x":"\\"pipeline\\":2","pipeline":2}', True),
    ('{"pipeline":{"a":1},"x":{"pipeline":{"a":1}}}', '{"pipeline":{"a":2},"x":{"pipeline":{"a":1}}}', False),
    ('{"pipeline": {"a": 1.50}, "x": 1}', '{"pipeline": {"a": 2.50}, "x": 1}', False),
    ('{"pipeline":{"b":1}}', None, False),
    ('{"x":1}', '{"pipeline":null,"x":1}', False),
]


def test_only_a_pipeline_s_own_fields_are_left_out_of_extra(tmp_path: Path) -> None:
    """What the action's reply says of its pipeline is no change of the action; a namesake further down is."""
    cases = {str(number): case for number, case in enumerate(EXTRAS)}
    runs = StagedRuns(tmp_path)
    runs.collect(together({name: world([action(1, extra=case[0])]) for name, case in cases.items()}))
    left = runs.collect(together({name: world([action(1, extra=case[1])]) for name, case in cases.items()}))
    changes = by_case(cases, left["action_changes"])
    for name, (_, _, changed) in cases.items():
        assert [change["column_name"] for change in changes[name]] == ["extra"] * changed, cases[name]


def test_values_that_swap_columns_are_two_changes(tmp_path: Path) -> None:
    """Fingerprints see where a value stands: source and destination that change places differ."""
    runs = StagedRuns(tmp_path)
    runs.collect(world([action(1, src_tag="a", dest_tag="b")]))
    left = runs.collect(world([action(1, src_tag="b", dest_tag="a")]))
    assert said(left["action_changes"]) == [(1, "changed", "dest_tag", "b", "a"), (1, "changed", "src_tag", "a", "b")]


CHILDREN: list[tuple[str, list[Row], list[Row]]] = [
    ("variables", [{"key": "A", "value_state": "redacted"}], [{"key": "B", "value_state": "redacted"}]),
    ("variables", [{"key": "A", "value_state": "encrypted"}], [{"key": "A", "value_state": "redacted"}]),
    ("variables", [], [{"key": "A", "value_state": "empty"}]),
    ("trigger_conditions", [{"trigger_condition": "ON_CHANGE"}], []),
    ("trigger_conditions", [{"trigger_hours": [1]}], [{"trigger_hours": [1, 2]}]),
    ("permissions", [{"principal_id": 1, "access_level": "READ"}], [{"principal_id": 1, "access_level": "RUN"}]),
]


def test_a_changed_child_row_is_a_change_of_its_action(tmp_path: Path) -> None:
    """Conditions, variables and rights are compared as a whole, under the name of their table, as JSON."""

    def run(when: int) -> dict[str, list[Row]]:
        cases = {}
        for number, case in enumerate(CHILDREN):
            children: dict[str, Any] = {case[0]: placed(case[when])}
            cases[f"{number}: {case[0]}"] = world([action(1), action(2)], **children)
        return together(cases)

    def placed(rows: Any) -> list[Row]:
        key = {n: action(1)[n] for n in KEY}
        return [{**key, "position": i, **row} for i, row in enumerate(rows, start=1)]

    runs = StagedRuns(tmp_path)
    runs.collect(run(1))
    changes = runs.collect(run(2))["action_changes"]
    assert [row["workspace"] for row in changes] == [f"{n}: {case[0]}" for n, case in enumerate(CHILDREN)]
    for change in changes:
        table = change["workspace"].partition(": ")[2]
        assert (change["action_id"], change["change"], change["column_name"]) == (1, "changed", table)
        assert change["aspect"] == "configuration"
        assert change["old_value"] != change["new_value"]
    assert runs.collect(run(2))["action_changes"] == []


def test_values_of_variables_are_in_no_change(tmp_path: Path) -> None:
    """A variable's value, kept or not, is in no change and in no state, and keeping it is not a change of Buddy's."""
    runs = StagedRuns(tmp_path)
    key = {n: action(1)[n] for n in KEY}
    kept = {**key, "position": 1, "key": "A", "value": "hunter2", "value_state": "kept"}
    redacted = {**key, "position": 1, "key": "A", "value": None, "value_state": "redacted"}
    first = runs.collect(world([action(1)], variables=[kept]))
    second = runs.collect(world([action(1)], variables=[redacted]))
    third = runs.collect(world([action(1)], variables=[{**kept, "value": "hunter3", "key": "B"}]))
    assert "hunter" not in repr([first, second, third])
    assert second["action_changes"] == []
    assert len(third["action_changes"]) == 1


def test_installations_do_not_collide(tmp_path: Path) -> None:
    """Equal keys in two installations are two actions with lives of their own."""
    runs = StagedRuns(tmp_path, listed=["us", "eu"])

    def both(us: list[Row], eu: list[Row]) -> dict[str, list[Row]]:
        here, there = world(us), world(eu)
        return {name: [*here[name], *({**row, "installation": "eu"} for row in there[name])] for name in here}

    runs.collect(both([action(1)], [action(1)]))
    left = runs.collect(both([], [action(1, name="other")]))
    assert [(row["installation"], row["change"]) for row in left["action_changes"]] == [
        ("eu", "changed"),
        ("us", "removed"),
    ]


def test_a_column_that_the_last_known_rows_lack_is_not_compared(tmp_path: Path) -> None:
    """After an upgrade that adds columns nothing has changed, neither in them nor in what extra held of them."""
    runs = StagedRuns(tmp_path)
    known = {**action(1), "extra": '{"run_next":"x"}', "run_id": run_of(0)[0]}
    runs.previous = {
        "last_known_actions": [
            write(tmp_path / "old.parquet", "last_known_actions", [known], without=["run_next", "dest_region"])
        ],
        "action_state": [
            write(
                tmp_path / "state.parquet",
                "action_state",
                [{**known, "last_seen_run_id": run_of(0)[0], **dict.fromkeys(CHILD_TABLES, "[]")}],
            )
        ],
    }
    runs.number = 1
    left = runs.collect(world([action(1, run_next="x", timeout=3)]))
    assert said(left["action_changes"]) == [(1, "changed", "timeout", None, "3")]
    assert said(runs.collect(world([action(1, run_next="y", timeout=3)]))["action_changes"]) == [
        (1, "changed", "run_next", "x", "y")
    ]


def test_the_state_of_a_carried_action_stays(tmp_path: Path) -> None:
    """A run that did not read an action keeps what is known of it, and the next one compares with that."""
    runs = StagedRuns(tmp_path)
    variable = {**PLACE, "pipeline_id": 1, "action_id": 1, "position": 1, "key": "A", "value_state": "absent"}
    first = runs.collect(world([action(1)], variables=[variable]))
    carried = runs.collect({**world([action(1)], variables=[variable]), "action_state": []})
    assert carried["action_changes"] == []
    names = ("variables", "fingerprint", "first_seen_run_id")
    assert [[row[n] for n in names] for row in carried["action_state"]] == [
        [row[n] for n in names] for row in first["action_state"]
    ]
    assert carried["action_state"][0]["last_seen_run_id"] == run_of(1)[0]
    left = runs.collect(world([action(1, name="other")]))
    assert [row["column_name"] for row in left["action_changes"]] == ["name", "variables"]


def test_child_rows_of_which_nothing_is_known_have_not_changed(tmp_path: Path) -> None:
    """After a lake lost the state of an action that is carried, its next reading says nothing of its child rows."""
    runs = StagedRuns(tmp_path)
    variable = {**PLACE, "pipeline_id": 1, "action_id": 1, "position": 1, "key": "A", "value_state": "absent"}
    runs.collect(world([action(1)], variables=[variable]))
    del runs.previous["action_state"]
    carried = runs.collect({**world([action(1)], variables=[variable]), "action_state": []})
    assert [(row["variables"], row["fingerprint"]) for row in carried["action_state"]] == [(None, None)]
    left = runs.collect(world([action(1, name="other")]))
    assert said(left["action_changes"]) == [(1, "changed", "name", "Promote 1", "other")]
    assert said(runs.collect(world([]))["action_changes"]) == [(1, "removed", None, None, None)]


@pytest.mark.parametrize("small_bytes", [SMALL_BYTES, 0], ids=["in memory", "in files"])
def test_results_have_the_contract_s_schema_and_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    """What leaves has the exact schema of its table and is sorted by its key, also where it is empty."""
    monkeypatch.setattr("collector.query.changes.SMALL_BYTES", small_bytes)
    monkeypatch.setattr("collector.query.changes.RANGE_BYTES", 1)
    rows = world([action(n, pipeline=n % 3, name=f"ü{n}") for n in (5, 3, 9, 1)])
    rows["runs"] = [{"installation": "us", "status": "complete"}]
    with StagedRuns(tmp_path).run(rows) as run:
        for table in [*TABLES.values()]:
            found = pa.Table.from_batches(run.sorted_rows(table.name), table.schema)
            keys = [tuple((row[n] is None, row[n]) for n in table.key) for row in found.to_pylist()]
            assert keys == sorted(keys)
        changes = run.run_changes()
    assert (changes["added"], changes["seen"], changes["known"]) == (4, 4, 4)
    assert changes["line"] == "all 4 seen for the first time"


def test_extra_rows_join_a_staged_table(tmp_path: Path) -> None:
    """Rows that arise after staging, such as problems of warnings, are sorted in among the staged ones."""
    more = pq.read_table(write(tmp_path / "more.parquet", "problems", [{"workspace": "b", "kind": "check"}]))
    rows: dict[str, list[Row]] = {"problems": [{"workspace": "c", "kind": "gone"}, {"workspace": "a", "kind": "gone"}]}
    with StagedRuns(tmp_path).run(rows) as run:
        run.add_rows("problems", more.to_batches())
        found = pa.Table.from_batches(run.sorted_rows("problems"))
    assert found.column("workspace").to_pylist() == ["a", "c", "b"]

"""What changed: compared with the last known row, and never claiming more than was seen."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.errors import NotPublished
from collector.lake.tables import CHILD_TABLES, TABLES
from collector.query.changes import SMALL_BYTES
from tests.query.staged_runs import HOME, KEY, Row, StagedRuns, run_of, write

PLACE = {**HOME, "project": "web"}


def action(number: int, *, pipeline: int = 1, **columns: Any) -> Row:
    """A promote-image action as it was fetched."""
    return {**PLACE, "pipeline_id": pipeline, "action_id": number, "name": f"Promote {number}", **columns}


def world(
    actions: Iterable[Row],
    *,
    listed: Mapping[int, str] | None = None,
    unread: Mapping[int, str] | None = None,
    pipelines: Mapping[int, str] | None = None,
    project: str | None = "complete",
    workspace: str | None = "complete",
    **children: Iterable[Row],
) -> dict[str, list[Row]]:
    """A run's rows: promote-image `actions`, and the coverage of everything above them (None: not in the list).

    `unread` are actions of pipeline 1 that were listed but not fetched, by coverage.
    """
    actions = list(actions)
    rows: dict[str, list[Row]] = {
        "workspaces": [{**HOME, "coverage": workspace}] if workspace else [],
        "projects": [{**PLACE, "coverage": project}] if project else [],
        "pipelines": [
            {**PLACE, "pipeline_id": number, "coverage": coverage}
            for number, coverage in ({1: "complete", 2: "complete"} if pipelines is None else pipelines).items()
        ],
        "actions": [
            *({**{n: row[n] for n in KEY}, "type": "PROMOTE_IMAGE", "coverage": "fetched"} for row in actions),
            *(
                {**PLACE, "pipeline_id": 1, "action_id": number, "coverage": coverage}
                for number, coverage in (unread or {}).items()
            ),
        ],
        "promote_image_actions": actions,
    }
    return rows | {name: list(given) for name, given in children.items()}


def said(changes: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Changes without their place: action, change, column, old, new."""
    names = ("action_id", "change", "column_name", "old_value", "new_value")
    return [tuple(row[name] for name in names) for row in changes]


def together(cases: Mapping[str, Mapping[str, Iterable[Row]]]) -> dict[str, list[Row]]:
    """One run of many cases that have nothing in common: each is a workspace, called as the case is."""
    run: dict[str, list[Row]] = {}
    for name, rows in cases.items():
        for table, given in rows.items():
            run.setdefault(table, []).extend({**row, "workspace": name} for row in given)
    return run


def by_case(cases: Iterable[str], rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each case, none where it has none."""
    found: dict[str, list[Row]] = {name: [] for name in cases}
    for row in rows:
        found[row["workspace"]].append(row)
    return found


def told(cases: Iterable[str], changes: Iterable[Row]) -> dict[str, list[tuple[Any, ...]]]:
    """What is said of each case."""
    return {name: said(found) for name, found in by_case(cases, changes).items()}


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


GONE = {
    "its own GET said 404": world([], unread={1: "gone"}, pipelines={1: "failed"}),
    "not in the complete listing of its pipeline": world([]),
    "listed as another type": world([], unread={1: "not_promote_image"}),
    "pipeline not in the complete listing": world([], pipelines={}),
    "project not in the complete listing": world([], pipelines={}, project=None),
    "workspace not in the complete listing": world([], pipelines={}, project=None, workspace=None),
}
UNREAD = ("failed", "forbidden", "quarantined", "skipped", "fetched")
UNLISTED = ("failed", "forbidden", "gone", "skipped")
UNSEEN = {
    **{f"action {how}": world([], unread={1: how}) for how in UNREAD},
    **{f"pipeline {how}": world([], pipelines={1: how}) for how in UNLISTED},
    **{f"project {how}": world([], pipelines={}, project=how) for how in UNLISTED},
    **{f"workspace {how}": world([], pipelines={}, project=None, workspace=how) for how in UNLISTED},
}


def everywhere(cases: Iterable[str], **columns: Any) -> dict[str, list[Row]]:
    """A run in which every case has its action."""
    return together(dict.fromkeys(cases, world([action(1, **columns)])))


def test_an_action_that_is_gone_is_removed_once(tmp_path: Path) -> None:
    """What is truly gone is removed, once, leaves the last known actions, and returns, once, when it is back."""
    runs = StagedRuns(tmp_path)
    runs.collect(everywhere(GONE))
    removed = runs.collect(together(GONE))
    assert told(GONE, removed["action_changes"]) == {n: [(1, "removed", None, None, None)] for n in GONE}
    assert {row["previous_run_id"] for row in removed["action_changes"]} == {run_of(0)[0]}
    assert removed["last_known_actions"] == []
    assert [row["removed_run_id"] for row in removed["action_state"]] == [run_of(1)[0]] * len(GONE)
    assert runs.collect(together(GONE))["action_changes"] == []
    returned = runs.collect(everywhere(GONE, name="renamed meanwhile"))
    assert told(GONE, returned["action_changes"]) == {n: [(1, "returned", None, None, None)] for n in GONE}
    assert {row["previous_run_id"] for row in returned["action_changes"]} == {run_of(0)[0]}
    first_seen = [row["first_seen_run_id"] for row in returned["last_known_actions"]]
    assert first_seen == [run_of(0)[0]] * len(GONE)
    assert [row["removed_run_id"] for row in returned["action_state"]] == [None] * len(GONE)
    assert runs.collect(everywhere(GONE, name="renamed meanwhile"))["action_changes"] == []


def test_an_action_that_was_not_seen_is_not_removed(tmp_path: Path) -> None:
    """Whatever kept us from seeing an action says nothing: no change, and its last known row stays."""
    runs = StagedRuns(tmp_path)
    known = runs.collect(everywhere(UNSEEN, timeout=7))["last_known_actions"]
    assert {row["workspace"] for row in known} == set(UNSEEN)
    for _ in range(2):
        left = runs.collect(together(UNSEEN))
        assert left["action_changes"] == []
        assert left["last_known_actions"] == known
    seen = runs.collect(everywhere(UNSEEN, timeout=8))["action_changes"]
    assert told(UNSEEN, seen) == {name: [(1, "changed", "timeout", "7", "8")] for name in UNSEEN}
    assert {row["previous_run_id"] for row in seen} == {run_of(0)[0]}


def test_a_workspace_is_gone_only_where_the_list_was_asked(tmp_path: Path) -> None:
    """Without a complete list of workspaces (exact names were given) a missing workspace says nothing."""
    runs = StagedRuns(tmp_path, listed=[])
    runs.collect(world([action(1)]))
    assert runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"] == []
    runs.listed = ("eu",)
    assert runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"] == []
    runs.listed = ("us", "eu")
    assert len(runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"]) == 1


def test_a_change_during_an_unseen_run_is_reported_once(tmp_path: Path) -> None:
    """A change that happened while we could not look is told when the action is seen again, against its last row."""
    runs = StagedRuns(tmp_path)
    runs.collect(world([action(1, timeout=1)]))
    assert runs.collect(world([], unread={1: "failed"}))["action_changes"] == []
    assert said(runs.collect(world([action(1, timeout=2)]))["action_changes"]) == [(1, "changed", "timeout", "1", "2")]
    assert runs.collect(world([action(1, timeout=2)]))["action_changes"] == []


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


@pytest.mark.parametrize("one_in", [50, 1])
def test_thousands_of_wide_actions_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_in: int
) -> None:
    """All pipelines have run, and one action in fifty or every one: changes are found share by share."""
    monkeypatch.setattr("collector.query.changes.SMALL_BYTES", 0)
    monkeypatch.setattr("collector.query.changes.RANGE_BYTES", 4 << 20)
    monkeypatch.setattr("collector.query.changes.COMPARED_BYTES", 2 << 20)
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "120MB")
    pipeline = ",".join(f'"field_{n}":"value {n}"' for n in range(50))

    def wide(run: int) -> dict[str, list[Row]]:
        extra = f'{{"pipeline":{{{pipeline},"ran":{run}}},"x":1}}'
        return world(
            [action(n, extra=extra, current_revision=str(run if n % one_in == 0 else 0)) for n in range(4_500)]
        )

    runs = StagedRuns(tmp_path)
    runs.collect(wide(1))
    assert len(runs.collect(wide(2))["action_changes"]) == 4_500 // one_in


def test_actions_of_60_kb_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each action holds 60 kB, such as the YAML of its pipeline, less of them is held at a time."""
    for name, size in (("SMALL_BYTES", 0), ("RANGE_BYTES", 16 << 20), ("COMPARED_BYTES", 4 << 20)):
        monkeypatch.setattr(f"collector.query.changes.{name}", size)
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "200MB")

    def wide(run: int) -> dict[str, list[Row]]:
        yaml = "y" * 60_000
        extras = {n: f'{{"pipeline":{{"ran":{run},"yaml":"{n} {yaml}"}}}}' for n in range(400)}
        return world([action(n, extra=extra, current_revision=str(run)) for n, extra in extras.items()])

    runs = StagedRuns(tmp_path)
    runs.collect(wide(1))
    assert len(runs.collect(wide(2))["action_changes"]) == 400


def test_a_run_that_does_not_fit_into_memory_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not published, every reply is kept, and the advice is not the one for SQL of a user."""
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "4MB")
    rows = world([action(n, extra=f'{{"note":"{n} {"x" * 20_000}"}}') for n in range(300)])
    with pytest.raises(
        NotPublished, match="the end of the run needs more memory than it may use; every reply"
    ) as raised:
        StagedRuns(tmp_path).collect(rows)
    assert "report it" in str(raised.value.advice)


def test_extra_rows_join_a_staged_table(tmp_path: Path) -> None:
    """Rows that arise after staging, such as problems of warnings, are sorted in among the staged ones."""
    more = pq.read_table(write(tmp_path / "more.parquet", "problems", [{"workspace": "b", "kind": "check"}]))
    rows: dict[str, list[Row]] = {"problems": [{"workspace": "c", "kind": "gone"}, {"workspace": "a", "kind": "gone"}]}
    with StagedRuns(tmp_path).run(rows) as run:
        run.add_rows("problems", more.to_batches())
        found = pa.Table.from_batches(run.sorted_rows("problems"))
    assert found.column("workspace").to_pylist() == ["a", "c", "b"]

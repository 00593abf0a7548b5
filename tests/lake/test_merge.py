"""Merging files loses no row, keeps the order, and fills what an older file lacks."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from collector.errors import LakeError
from collector.lake.merge import HELD_BYTES, merged_order, merged_rows
from collector.lake.table import Table
from collector.lake.tables import ALL, PROBLEMS
from tests.query.staged_runs import HOME, Row, run_of, write

ACTIONS = ALL["promote_image_actions"]
RUNS = [run_of(number)[0] for number in range(3)]


def merged(table: Table, paths: list[Path], run_ids: list[str], held_bytes: int = HELD_BYTES) -> pa.Table:
    """Return the rows of these runs as one table."""
    return pa.Table.from_batches(merged_rows(table, paths, run_ids, held_bytes), table.schema)


def night(number: int, actions: range) -> list[Row]:
    """The sorted rows of one night."""
    run_id, run_date = run_of(number)
    place = {**HOME, "project": "web", "pipeline_id": 1, "run_id": run_id, "run_date": run_date}
    return [{**place, "action_id": n, "name": f"{n} in {number}"} for n in actions]


def files(folder: Path) -> list[Path]:
    """Three nights, the first of an older contract, the last two already merged."""
    merged = sorted([*night(1, range(2, 8)), *night(2, range(8))], key=lambda r: (r["action_id"], r["run_id"]))
    return [
        write(folder / "it's" / "0.parquet", ACTIONS.name, night(0, range(5)), without=["timeout", "loop"]),
        write(folder / "12.parquet", ACTIONS.name, merged),
    ]


def test_files_are_merged_by_action_then_night(tmp_path: Path) -> None:
    """All rows of all files, by key and then by run, with the exact schema."""
    found = merged(ACTIONS, files(tmp_path), RUNS).to_pylist()
    expected = [*night(0, range(5)), *night(1, range(2, 8)), *night(2, range(8))]
    assert [(r["action_id"], r["run_id"], r["name"]) for r in found] == sorted(
        (r["action_id"], r["run_id"], r["name"]) for r in expected
    )


def test_only_the_wanted_nights_are_kept(tmp_path: Path) -> None:
    """Rows of other runs are left out."""
    wanted = [RUNS[0], RUNS[2]]
    found = merged(ACTIONS, files(tmp_path), wanted).to_pylist()
    assert {row["run_id"] for row in found} == set(wanted)
    assert len(found) == 5 + 8


@pytest.mark.parametrize("name", ALL)
def test_every_table_can_be_merged(tmp_path: Path, name: str) -> None:
    """Also tables whose key has NULLs, and empty files."""
    rows: list[Row] = [{"run_id": "2"}, {"run_id": "2", "workspace": "a"}, {"run_id": "2"}]
    paths = [write(tmp_path / f"{i}.parquet", name, given) for i, given in enumerate([rows[1:], rows[:1], []])]
    found = merged(ALL[name], paths, ["2"])
    assert found.num_rows == 3
    assert found.schema == ALL[name].schema


def test_a_damaged_file_stops_the_merge(tmp_path: Path) -> None:
    """A file that cannot be read is an error and never a shorter result."""
    paths = files(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:-50])
    with pytest.raises(LakeError):
        merged(ACTIONS, paths, RUNS)
    assert pq.read_table(paths[0]).num_rows == 5


TEXTS = st.none() | st.sampled_from(["", "a", "Z", "é", "\U0001f600", "\uffff", "\x00", "a\x00", "it's"])
NUMBERED = st.tuples(st.sampled_from(RUNS), TEXTS, st.none() | st.integers(-2, 2))


@given(
    st.lists(st.lists(NUMBERED, max_size=20), max_size=4),
    st.sets(st.sampled_from(RUNS)),
    st.integers(1, 7),
    st.sampled_from([1, 2_000, HELD_BYTES]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_in_order_whatever_the_files_are(
    tmp_path: Path, given_files: list[list[tuple[str, str | None, int | None]]], runs: set[str], group: int, held: int
) -> None:
    """Every row of the wanted runs is there once, text by its UTF-8 bytes and NULL last, in one range or in many."""
    paths, expected = [], []
    for number, rows in enumerate(given_files):
        names = {name: [None] * len(rows) for name in PROBLEMS.column_names}
        columns = {
            **names,
            **dict(zip(("run_id", "workspace", "action_id"), zip(*rows, strict=True), strict=False)),
            "raw": [f"{number} {row}" for row in range(len(rows))],
        }
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(pa.table(columns, PROBLEMS.schema), paths[-1], row_group_size=group)
        expected += [(*row, f"{number} {place}") for place, row in enumerate(rows) if row[0] in runs]
    found = merged(PROBLEMS, paths, sorted(runs), held).to_pylist()
    rows_found = [(row["run_id"], row["workspace"], row["action_id"], row["raw"]) for row in found]
    assert sorted(rows_found, key=str) == sorted(expected, key=str)
    keys = [(row[1] is None, (row[1] or "").encode(), row[2] is None, row[2] or 0, row[0]) for row in rows_found]
    assert keys == sorted(keys)


def test_wide_rows_are_merged_a_few_at_a_time(tmp_path: Path) -> None:
    """Rows of 60 kB that more than fill what may be held come in order, and no batch has many."""
    table, count = ALL["pipelines"], 600
    for run in range(2):
        rows = [
            {"run_id": RUNS[run], "pipeline_id": n * 7 % count, "extra": f"{run} {n}".ljust(60_000)}
            for n in range(count)
        ]
        write(tmp_path / f"{run}.parquet", table.name, rows)
    batches = list(merged_rows(table, sorted(tmp_path.glob("*.parquet")), RUNS, held_bytes=16 << 20))
    assert max(batch.nbytes for batch in batches) < 5 << 20
    found = pa.Table.from_batches(batches).select(["pipeline_id", "run_id"]).to_pylist()
    assert found == [{"pipeline_id": n, "run_id": run} for n in range(count) for run in RUNS[:2]]
    assert merged_order(table)[-2:] == ("pipeline_id", "run_id")

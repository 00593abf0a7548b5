"""Merging files loses no row, keeps the order, and fills what an older file lacks."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.errors import LakeError
from collector.lake.compact import merged_rows
from collector.lake.table import Table
from collector.lake.tables import ALL
from tests.query.staged_runs import HOME, Row, run_of, write

ACTIONS = ALL["promote_image_actions"]
RUNS = [run_of(number)[0] for number in range(3)]


def merged(table: Table, paths: list[Path], run_ids: list[str]) -> pa.Table:
    """Return the rows of these runs as one table."""
    return pa.Table.from_batches(merged_rows(table, [(path, path.name) for path in paths], run_ids), table.schema)


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

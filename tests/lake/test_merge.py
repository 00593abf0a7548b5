"""Merging files loses no row, keeps the order, and fills what an older file lacks."""

from pathlib import Path

import pytest
from pyarrow import parquet as pq

from collector.errors import LakeError
from collector.lake.merge import merge, merge_runs
from collector.lake.tables import ALL
from tests.query.nights import HOME, Row, run_of, write

ACTIONS = ALL["promote_image_actions"]


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
    reader = merge(ACTIONS, files(tmp_path))
    assert reader.schema == ACTIONS.schema
    found = reader.read_all().to_pylist()
    expected = [*night(0, range(5)), *night(1, range(2, 8)), *night(2, range(8))]
    assert [(r["action_id"], r["run_id"], r["name"]) for r in found] == sorted(
        (r["action_id"], r["run_id"], r["name"]) for r in expected
    )


def test_only_the_wanted_nights_are_kept(tmp_path: Path) -> None:
    """Rows of other runs are left out; of no run, nothing is left."""
    wanted = {run_of(0)[0], run_of(2)[0]}
    found = merge_runs(ACTIONS, files(tmp_path), wanted).read_all().to_pylist()
    assert {row["run_id"] for row in found} == wanted
    assert len(found) == 5 + 8
    assert merge_runs(ACTIONS, files(tmp_path), []).read_all().num_rows == 0


@pytest.mark.parametrize("name", ALL)
def test_every_table_can_be_merged(tmp_path: Path, name: str) -> None:
    """Also tables whose key has NULLs, and empty files."""
    rows: list[Row] = [{"run_id": "2"}, {"run_id": "2", "workspace": "a"}, {"run_id": "2"}]
    paths = [write(tmp_path / f"{i}.parquet", name, given) for i, given in enumerate([rows[1:], rows[:1], []])]
    found = merge(ALL[name], paths).read_all()
    assert found.num_rows == 3
    assert found.schema == ALL[name].schema


def test_no_file_is_no_row() -> None:
    """Nothing merges into nothing."""
    assert merge(ACTIONS, []).read_all().num_rows == 0


def test_a_damaged_file_stops_the_merge(tmp_path: Path) -> None:
    """A file that cannot be read is an error and never a shorter result."""
    paths = files(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:-50])
    with pytest.raises(LakeError):
        merge(ACTIONS, paths).read_all()
    assert pq.read_table(paths[0]).num_rows == 5

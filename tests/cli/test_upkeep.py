"""`collector verify`, `compact` and `prune` on a lake of several nights."""

import json
import shutil
from pathlib import Path

import pytest

from collector.lake.lake import Lake
from tests.cli.conftest import Program


@pytest.fixture
def lake(demo_lake: Path, tmp_path: Path) -> Path:
    """A copy of the demo's lake, to be changed."""
    return Path(shutil.copytree(demo_lake, tmp_path / "lake"))


def rows_of(program: Program, table: str) -> list[dict[str, object]]:
    said = program("sql", f"select * from {table} order by all", "--format", "json")
    assert said.code == 0, said.err
    rows: list[dict[str, object]] = json.loads(said.out)
    return rows


@pytest.mark.usefixtures("lake")
def test_compacting_changes_no_row(program: Program) -> None:
    """The nights of a month become one file per table, every row is what it was, and a second time does
    nothing.
    """
    before = {table: rows_of(program, table) for table in ("promote_image_actions", "action_changes", "runs")}
    said = program("compact", "--current-month")
    assert said.code == 0, said.err
    assert "files in one" in said.out
    assert {table: rows_of(program, table) for table in before} == before
    assert "Nothing to merge" in program("compact", "--current-month").out
    assert program("verify").code == 0


def test_pruning_drops_nights_and_keeps_what_is_known(program: Program, lake: Path) -> None:
    """Nights older than --keep go, the newest stays however old, and so does what is known of every action."""
    known = rows_of(program, "last_known_actions")
    nights = len(Lake.open(lake).manifest.runs)
    assert program("prune", "--keep", "400d").out == "Nothing is that old.\n"
    said = program("prune", "--keep", "1d", "--format", "json")
    assert said.code == 0, said.err
    left = [run.run_id for run in Lake.open(lake).manifest.runs]
    assert len(json.loads(said.out)["runs"]) == nights - len(left) > 0
    assert {row["run_id"] for row in rows_of(program, "promote_image_actions")} == set(left)
    assert rows_of(program, "last_known_actions") == known
    assert program("verify").code == 0


@pytest.mark.parametrize("keep", ["-1d", "0d", "soon", "36h"])
@pytest.mark.usefixtures("lake")
def test_a_length_that_is_no_number_of_days(program: Program, keep: str) -> None:
    """What cannot be meant is refused before a row is dropped."""
    said = program("prune", f"--keep={keep}")
    assert said.code == 2
    assert "--keep" in said.err


def test_verify_names_the_harmed_nights(program: Program, lake: Path) -> None:
    """A damaged and a missing file are found, with the runs they belong to, and what to do."""
    files = [path for path, _ in Lake.open(lake).files("promote_image_actions")]
    content = bytearray(files[0].read_bytes())
    content[len(content) // 2] ^= 1
    files[0].write_bytes(content)
    files[1].unlink()
    said = program("verify")
    assert said.code == 2
    assert files[0].stem in said.out
    assert files[1].stem in said.out
    assert "copy of the lake" in said.err
    kinds = {finding["kind"] for finding in json.loads(program("verify", "--format", "json").out)}
    assert "missing" in kinds
    assert len(kinds) >= 2

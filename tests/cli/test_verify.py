"""`collector verify`, `compact` and `prune` on a lake of several nights."""

import json
import os
import pty
import shutil
import subprocess
import sys
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
    """The nights of a month become one file per table, every row is what
    it was, and a second time does nothing.
    """
    before = {table: rows_of(program, table) for table in ("promote_image_actions", "action_changes", "runs")}
    said = program("compact", "--current-month")
    assert said.code == 0, said.err
    assert "files merged into one" in said.out
    assert {table: rows_of(program, table) for table in before} == before
    assert "Nothing to merge" in program("compact", "--current-month").out
    assert program("verify").code == 0


def test_pruning_drops_nights_and_keeps_what_is_known(program: Program, lake: Path) -> None:
    """Nights older than --keep go, the newest stays however old, and so does what is known of every action."""
    known = rows_of(program, "last_known_actions")
    nights = len(Lake.open(lake).manifest.runs)
    assert program("prune", "--keep", "400d").out == "No run is that old.\n"
    said = program("prune", "--keep", "1d", "--format", "json")
    assert said.code == 0, said.err
    left = [run.run_id for run in Lake.open(lake).manifest.runs]
    assert len(json.loads(said.out)["runs"]) == nights - len(left) > 0
    assert {row["run_id"] for row in rows_of(program, "promote_image_actions")} == set(left)
    assert rows_of(program, "last_known_actions") == known
    assert program("verify").code == 0


def test_a_dry_run_of_pruning_changes_nothing(program: Program, lake: Path) -> None:
    """`--dry-run` names the runs that would go, which then go, and leaves every file as it is."""
    before = (lake / "manifest.json").read_bytes()
    would = json.loads(program("prune", "--keep", "1d", "--dry-run", "--format", "json").out)
    said = program("prune", "--keep", "1d", "--dry-run").out
    assert f"{len(would['runs'])} runs ({would['runs'][0]} to {would['runs'][-1]}) would be dropped" in said
    assert (lake / "manifest.json").read_bytes() == before
    assert program("prune", "--keep", "400d", "--dry-run").out == "No run is that old.\n"
    assert json.loads(program("prune", "--keep", "1d", "--format", "json").out)["runs"] == would["runs"]


@pytest.mark.parametrize(("answer", "flags", "is_pruned"), [("n", [], False), ("", ["--yes"], True), ("y", [], True)])
def test_pruning_on_a_terminal_is_confirmed(lake: Path, answer: str, flags: list[str], is_pruned: bool) -> None:
    """A person is asked before runs are dropped, unless `--yes` is given; any other answer than yes drops nothing."""
    mine, theirs = pty.openpty()
    os.write(mine, f"{answer}\n".encode())
    before = len(Lake.open(lake).manifest.runs)
    command = [sys.executable, "-m", "collector", "prune", "--keep", "1d", "--lake", str(lake), *flags]
    done = subprocess.run(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=False)
    shown = os.read(mine, 10_000).decode()
    os.close(mine)
    os.close(theirs)
    assert done.returncode == 0
    assert (len(Lake.open(lake).manifest.runs) < before) == is_pruned
    assert ("Continue? [y/N]" in shown) == (not flags)
    assert ("Nothing was dropped." in shown) == (not is_pruned)


@pytest.mark.parametrize("keep", ["-1d", "0d", "soon", "36h"])
@pytest.mark.usefixtures("lake")
def test_a_length_that_is_no_number_of_days(program: Program, keep: str) -> None:
    """What cannot be meant is refused before a row is dropped."""
    said = program("prune", f"--keep={keep}")
    assert said.code == 2
    assert "--keep" in said.err


def test_verify_names_the_damaged_runs(program: Program, lake: Path) -> None:
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


def test_a_lost_manifest_is_built_anew(program: Program, lake: Path) -> None:
    """Without its manifest a lake of real runs is refused by every command; `verify --rebuild-manifest` builds the same
    one from the files, says that every run is complete, and a second time does nothing.
    """
    before = Lake.open(lake).manifest
    rows = {table: rows_of(program, table) for table in ("promote_image_actions", "action_changes", "runs")}
    (lake / "manifest.json").rename(lake / "aside")
    for command in (("compact",), ("prune", "--keep", "1d"), ("verify",), ("status",), ("sql", "select 1")):
        said = program(*command)
        assert said.code == 2
        assert "files and manifest.json is missing" in said.err
        assert "verify --rebuild-manifest" in said.err
    said = program("verify", "--rebuild-manifest")
    assert said.code == 0, said.err
    assert said.out.count("  complete\n") == len(before.runs)
    after = Lake.open(lake).manifest
    assert after.runs == before.runs
    assert after.live_paths() == before.live_paths()
    assert {table: rows_of(program, table) for table in rows} == rows
    assert program("verify").code == 0
    assert "it was not changed" in program("verify", "--rebuild-manifest").out


def test_an_incomplete_run_is_named(program: Program, lake: Path) -> None:
    """The run that lacks a file is said to be incomplete, with the table, and the exit code is that of harm."""
    opened = Lake.open(lake)
    lost = opened.manifest.tables["pipelines"][0]
    (lake / lost.path).unlink()
    (lake / "manifest.json").unlink()
    said = program("verify", "--rebuild-manifest", "--format", "json")
    assert said.code == 2
    incomplete = [run for run in json.loads(said.out) if not run["whole"]]
    assert incomplete == [{"run_id": lost.runs[0], "whole": False, "missing": ["pipelines"]}]
    run = Lake.open(lake).manifest.run(lost.runs[0])
    assert run is not None
    assert run.status == "partial"


def test_an_older_manifest_is_told_of(program: Program, lake: Path) -> None:
    """After a restore of an older manifest `verify` says that there are files it does not name, and
    nothing is pruned.
    """
    (lake / "manifest.json").write_bytes((lake / "manifest.json.1").read_bytes())
    files = sorted(lake.rglob("*.parquet"))
    for command in (("verify",), ("prune", "--keep", "1d"), ("compact", "--current-month")):
        said = program(*command)
        assert said.code == 2
        assert "that manifest.json does not name" in said.err
    assert sorted(lake.rglob("*.parquet")) == files
    assert program("verify", "--rebuild-manifest").code == 0
    assert program("prune", "--keep", "1d").code == 0

"""Publishing: all of a run in one step, or nothing of it, wherever the process dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.lake.lake import Lake
from collector.lake.local_storage import LocalStorage
from collector.lake.publish import publish, write_tables
from collector.lake.sizes import table_sizes
from collector.lake.sweep import sweep
from collector.lake.tables import ALL
from collector.lake.verify import verify
from tests.lake.published_runs import (
    NOW,
    RUN_TABLES,
    SNAPSHOT_TABLES,
    Died,
    MortalStorage,
    dataset,
    files_under,
    publish_run,
    run_entry,
    table_of,
)


def test_a_published_run_is_there_with_its_files(lake: Lake) -> None:
    """A published run is named with its files, at the promised paths; a table without rows has no file."""
    publish_run(lake, 0, count=4)
    run = run_entry(0)
    manifest = Lake.open(lake.path).manifest
    assert manifest.runs == [run]
    assert manifest.latest == run
    assert (manifest.format, manifest.sequence, manifest.published_at) == (1, 1, run.finished_at)
    named = {f"tables/{t}/run_month=2026-10/{run.run_id}.parquet" for t in (*RUN_TABLES, *SNAPSHOT_TABLES)}
    assert manifest.live_paths() == files_under(lake.path) == named
    entry = manifest.tables["actions"][0]
    assert (entry.rows, entry.runs, entry.run_month) == (4, [run.run_id], "2026-10")
    assert verify(lake) == []
    assert dataset(lake)["actions"] == table_of(ALL["actions"], run, 4).to_pylist()


def test_snapshots_are_replaced_and_runs_accumulate(lake: Lake) -> None:
    """Each run adds its files; of last_known_actions and action_state only the newest file is live."""
    for day in range(3):
        publish_run(lake, day)
    sizes = table_sizes(lake.manifest)
    assert {name: sizes[name].files for name in RUN_TABLES} == dict.fromkeys(RUN_TABLES, 3)
    assert {name: sizes[name].files for name in SNAPSHOT_TABLES} == dict.fromkeys(SNAPSHOT_TABLES, 1)
    assert lake.manifest.tables["action_state"][0].runs == [run_entry(2).run_id]
    assert {run for item in dataset(lake)["last_known_actions"] for run in [item["run_id"]]} == {run_entry(2).run_id}


def test_a_snapshot_without_rows_goes_and_one_not_given_stays(lake: Lake) -> None:
    """No action known is a snapshot too; not speaking of a snapshot leaves it."""
    publish_run(lake, 0)
    with lake.writing("collect", NOW):
        publish(lake, run_entry(1), {"last_known_actions": []}, now=NOW)
    assert "last_known_actions" not in lake.manifest.tables
    assert len(lake.manifest.tables["action_state"]) == 1


def test_publishing_twice_changes_nothing(lake: Lake) -> None:
    """A run that is published already is left as it is, whatever rows come the second time."""
    publish_run(lake, 0)
    before, files = lake.manifest, files_under(lake.path)
    assert publish_run(lake, 0, count=99) == before
    assert Lake.open(lake.path).manifest == before
    assert files_under(lake.path) == files


def test_tables_that_are_written_before_become_visible_with_the_others(lake: Lake) -> None:
    """Nobody sees what `write_tables` has written until `publish` names it; of a published run it writes nothing."""
    run = run_entry(0)
    rows = {name: table_of(ALL[name], run, 3) for name in ("actions", "runs")}
    with lake.writing("collect", NOW):
        written = write_tables(lake, run, {"actions": rows["actions"].to_batches(), "variables": []})
        assert files_under(lake.path)
        assert Lake.create(lake.path).manifest.runs == []
        publish(lake, run, {"runs": rows["runs"].to_batches()}, now=NOW, written=written)
        assert write_tables(lake, run, {"actions": []}) == {}
    assert verify(lake) == []
    assert dataset(Lake.open(lake.path)) == {name: table.to_pylist() for name, table in rows.items()}


def test_a_run_published_late_takes_its_place(lake: Lake) -> None:
    """Runs are in order of their ids, also when an older one is published after a newer."""
    publish_run(lake, 1)
    publish_run(lake, 0)
    assert [run.run_id for run in Lake.open(lake.path).manifest.runs] == [run_entry(d).run_id for d in (0, 1)]


def test_rows_of_other_columns_publish_nothing(lake: Lake) -> None:
    """A table whose rows are not what the contract says stops the publish before anything is visible."""
    publish_run(lake, 0)
    before = lake.manifest
    rows = table_of(ALL["actions"], run_entry(1), 3)
    batches = {"runs": table_of(ALL["runs"], run_entry(1), 1).to_batches(), "actions": rows.select([0]).to_batches()}
    with pytest.raises(ValueError, match="schema"), lake.writing("collect", NOW):
        publish(lake, run_entry(1), batches, now=NOW)
    assert Lake.open(lake.path).manifest == before


def test_publishing_needs_the_lock(lake: Lake) -> None:
    """Publishing outside `writing` is a bug, and says so."""
    with pytest.raises(RuntimeError):
        publish(lake, run_entry(0), {}, now=NOW)


def test_dying_at_any_step_leaves_the_run_before_or_the_new_one(tmp_path: Path) -> None:
    """Wherever a publish dies, a reader sees one consistent set, and a second attempt gives the same rows."""
    original = Lake.create(tmp_path / "original")
    publish_run(original, 0)
    before = dataset(original)
    undisturbed = Lake.create(Path(shutil.copytree(original.path, tmp_path / "undisturbed")))
    publish_run(undisturbed, 1)
    after = dataset(undisturbed)
    step, reached, seen = 0, True, set()
    while reached:
        step += 1
        lake = Lake.create(Path(shutil.copytree(original.path, tmp_path / f"dies-{step}")))
        mortal = MortalStorage(lake.path, dies_at=step)
        lake.storage = mortal
        try:
            publish_run(lake, 1)
            reached = False
        except Died:
            reached = mortal.steps == step
        reader = Lake.open(lake.path)
        assert dataset(reader) in (before, after)
        seen.add(dataset(reader) == after)
        assert verify(reader) == []
        again = Lake.create(lake.path)
        with again.writing("collect", run_entry(1).finished_at):
            sweep(again, now=run_entry(1).finished_at, keep_runs=[])
        retired = {item.path for item in again.manifest.retired}
        assert files_under(lake.path) == again.manifest.live_paths() | retired
        publish_run(again, 1)
        assert dataset(Lake.open(lake.path)) == after
    assert step > 20
    assert seen == {False, True}


KILL = """
import os, pathlib, signal, sys
from collector.lake.lake import Lake
from tests.lake.published_runs import MortalStorage, publish_run

class Killed(MortalStorage):
    def _step(self):
        self.steps += 1
        if self.steps == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

lake = Lake.create(pathlib.Path(sys.argv[1]))
lake.storage = Killed(lake.path, int(sys.argv[2]))
publish_run(lake, 1)
"""


@pytest.mark.parametrize("step", [2, 11, 23])
def test_a_killed_publish_is_taken_up_by_another_process(lake: Lake, step: int) -> None:
    """After SIGKILL in the middle of a publish the next process finds no lock, sweeps, and publishes."""
    publish_run(lake, 0)
    before = Lake.open(lake.path).manifest
    command = [sys.executable, "-c", KILL, str(lake.path), str(step)]
    root = Path(__file__).parents[2]
    killed = subprocess.run(command, check=False, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    assert killed.returncode == -signal.SIGKILL
    assert Lake.open(lake.path).manifest == before
    left = files_under(lake.path)
    with lake.writing("collect", NOW):
        sweep(lake, now=NOW, keep_runs=[])
    assert files_under(lake.path) < left
    publish_run(lake, 1)
    assert len(dataset(Lake.open(lake.path))["actions"]) == 14


FULL = """
import pathlib, resource, sys
from collector.errors import NotPublished
from collector.lake.lake import Lake
from tests.lake.published_runs import publish_run
lake = Lake.create(pathlib.Path(sys.argv[1]))
for limit in (0, 1_000, 9_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        publish_run(lake, 1, count=500)
    except NotPublished as error:
        print(error.exit_code, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_publishes_nothing_and_loses_nothing(lake: Lake) -> None:
    """Without room for a run the last one stays, with exit code 3; with room again the run is published."""
    publish_run(lake, 0)
    before = dataset(lake)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", "-c", FULL, str(lake.path)]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert said.stderr == ""
    assert [line[:12] for line in said.stdout.splitlines()] == ["3 no room to"] * 3
    assert dataset(Lake.open(lake.path)) == before
    publish_run(lake, 1, count=500)
    assert verify(lake) == []
    assert len(dataset(lake)["actions"]) == 507


def test_the_manifest_is_swapped_last(lake: Lake) -> None:
    """Every file is written and made durable before the manifest that names it."""
    order: list[str] = []

    class Watching(LocalStorage):
        def sync(self, *paths: str) -> None:
            super().sync(*paths)
            order.extend(paths)

    lake.storage = Watching(lake.path)
    publish_run(lake, 0)
    assert order[-2:] == ["manifest.json.tmp", "manifest.json"]
    assert set(order[:-2]) == lake.manifest.live_paths()

"""The manifest rebuilt from the files: what it was, no row twice, and what is missing is named."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.errors import LakeError
from collector.lake.compact import compact
from collector.lake.inventory import path_of, table_file
from collector.lake.lake import Lake
from collector.lake.manifest import EARLIER, FILE_NAME, GRACE, FileEntry, Manifest
from collector.lake.prune import prune
from collector.lake.publish import publish
from collector.lake.rebuild import Rebuilt, is_needed, rebuild
from collector.lake.sweep import sweep
from collector.lake.table import Table
from collector.lake.tables import ALL
from collector.lake.verify import verify
from tests.lake.published_runs import NOW, SOON, dataset, publish_run, run_entry, table_of

RUNS = [run_entry(day).run_id for day in range(8)]
COUNT = 7


def publish_consistently(lake: Lake, day: int) -> None:
    """Publish the run of that day, with rows that refer to one another like those of a real run."""
    run = run_entry(day)
    names = ("workspaces", "projects", "pipelines", "actions", "promote_image_actions", "problems", "action_state")
    with lake.writing("collect", run.finished_at):
        (lake.runs.create(run.run_id) / "journal.jsonl").touch()
        rows = {name: table_of(ALL[name], run, COUNT) for name in (*names, "last_known_actions", "runs")}
        known: dict[str, Any] = {
            "status": run.status,
            "collector_version": run.collector_version,
            "api_url": run.api_urls[0],
            "problems": COUNT,
            "started_at": run.started_at.replace(tzinfo=None),
            "finished_at": run.finished_at.replace(tzinfo=None),
        }
        of_runs = {**rows["runs"].slice(0, 1).to_pylist()[0], **known}
        rows["runs"] = pa.Table.from_pylist([of_runs], schema=ALL["runs"].schema)
        for name, column, value in (
            ("action_state", "first_seen_run_id", [RUNS[0]] * COUNT),
            ("last_known_actions", "first_seen_run_id", [RUNS[0]] * COUNT),
            ("action_state", "removed_run_id", [None] * COUNT),
        ):
            place = rows[name].schema.names.index(column)
            values = pa.array(value, pa.string())
            rows[name] = rows[name].set_column(place, rows[name].schema.field(place), values)
        publish(lake, run, {name: table.to_batches() for name, table in rows.items()}, now=run.finished_at)
        lake.runs.remove(run.run_id)


@pytest.fixture
def filled_lake(lake: Lake) -> Lake:
    """A lake with three runs, all in October."""
    for day in range(3):
        publish_consistently(lake, day)
    return lake


def rebuilt(path: Path) -> Rebuilt:
    """Rebuild the manifest as `verify --rebuild-manifest` does."""
    lake = Lake.without_manifest(path)
    with lake.locked("test", NOW):
        return rebuild(lake, now=NOW)


def without_manifest(lake: Lake) -> Manifest:
    """Remove the manifest and the earlier ones, and return what it was."""
    manifest = Lake.open(lake.path).manifest
    for name in (FILE_NAME, *EARLIER):
        (lake.path / name).unlink(missing_ok=True)
    return manifest


def files_of(manifest: Manifest) -> dict[str, list[FileEntry]]:
    """Return the file entries of a manifest by table."""
    return {name: sorted(entries, key=lambda e: e.path) for name, entries in manifest.tables.items()}


def as_published(lake: Lake) -> None:
    """Change nothing."""


def compacted(lake: Lake) -> None:
    """Merge the months; the files that were merged are still there."""
    with lake.writing("compact", NOW):
        compact(lake, now=NOW)


def compacted_and_swept(lake: Lake) -> None:
    """Merge the months and remove the files that were merged."""
    compacted(lake)
    with lake.writing("collect", NOW + GRACE):
        sweep(lake, now=NOW + GRACE, keep_runs=[])


def gone_on_after_compacting(lake: Lake) -> None:
    """Merge two months, one of them twice."""
    compacted(lake)
    publish_consistently(lake, 4)
    publish_consistently(lake, 5)
    with lake.writing("compact", NOW):
        compact(lake, now=NOW)


@pytest.mark.parametrize("history", [as_published, compacted, compacted_and_swept, gone_on_after_compacting])
def test_a_complete_lake_gets_its_manifest_back(filled_lake: Lake, history: Callable[[Lake], None]) -> None:
    """The runs and the files are those of the manifest that was lost, also where merged files and the files that they
    were made of lie side by side; no row is there twice, and the next run can be published.
    """
    history(filled_lake)
    rows = dataset(Lake.open(filled_lake.path))
    before = without_manifest(filled_lake)
    files = {path: path.read_bytes() for path in filled_lake.path.rglob("*.parquet")}
    found = rebuilt(filled_lake.path)
    after = Lake.create(filled_lake.path)
    assert [run.run_id for run in found.runs] == [run.run_id for run in before.runs]
    assert all(run.whole for run in found.runs)
    assert after.manifest.runs == before.runs
    assert files_of(after.manifest) == files_of(before)
    assert after.manifest.history_begins is None
    assert dataset(after) == rows
    assert verify(after) == []
    assert {path: path.read_bytes() for path in filled_lake.path.rglob("*.parquet")} == files
    assert set(found.superseded) == {str(p.relative_to(filled_lake.path)) for p in files} - before.live_paths()
    publish_run(after, 70, now=NOW + GRACE)
    with after.writing("collect", NOW + 2 * GRACE):
        sweep(after, now=NOW + 2 * GRACE, keep_runs=[])
    assert verify(Lake.open(filled_lake.path)) == []


def test_a_manifest_from_a_backup_is_brought_up_to_the_files(filled_lake: Lake) -> None:
    """Runs that an older manifest does not know are in the new one, and the older one is kept beside it."""
    older = (filled_lake.path / FILE_NAME).read_bytes()
    publish_consistently(filled_lake, 3)
    rows = dataset(filled_lake)
    (filled_lake.path / FILE_NAME).write_bytes(older)
    assert is_needed(Lake.without_manifest(filled_lake.path))
    assert [run.run_id for run in rebuilt(filled_lake.path).runs] == RUNS[:4]
    assert dataset(Lake.create(filled_lake.path)) == rows
    assert (filled_lake.path / EARLIER[0]).read_bytes() == older
    assert not is_needed(Lake.without_manifest(filled_lake.path))


def test_runs_that_two_files_hold_in_part_are_there_once(filled_lake: Lake) -> None:
    """Where a file that was pruned and merged on overlaps an older one, every run is there once, none is lost, and no
    file is changed.
    """
    compacted(filled_lake)
    with filled_lake.writing("prune", SOON):
        prune(filled_lake, keep_days=(SOON.date() - run_entry(1).run_date).days, now=SOON)
    before = without_manifest(filled_lake)
    assert before.history_begins == RUNS[1]
    found = rebuilt(filled_lake.path)
    after = Lake.create(filled_lake.path)
    assert [(run.run_id, run.whole) for run in found.runs] == [(run_id, True) for run_id in RUNS[:3]]
    for name in ("runs", "actions", "problems"):
        held = [run for entry in after.manifest.tables[name] for run in entry.runs]
        assert sorted(held) == RUNS[:3]
        rows = Counter(row["run_id"] for row in dataset(after)[name])
        assert rows == dict.fromkeys(RUNS[:3], 1 if name == "runs" else COUNT)
    assert verify(after) == []


def test_a_pruned_lake_still_says_where_history_begins(filled_lake: Lake) -> None:
    """An action that was first seen by a run which is not there shows that the lake was pruned."""
    with filled_lake.writing("prune", SOON):
        prune(filled_lake, keep_days=(SOON.date() - run_entry(2).run_date).days, now=SOON)
    with filled_lake.writing("collect", NOW + GRACE):
        sweep(filled_lake, now=NOW + GRACE, keep_runs=[])
    before = without_manifest(filled_lake)
    rebuilt(filled_lake.path)
    after = Lake.open(filled_lake.path).manifest
    assert after.history_begins == before.history_begins == RUNS[2]
    assert files_of(after) == files_of(before)


@pytest.mark.parametrize(
    "table",
    ["runs", "workspaces", "projects", "pipelines", "actions", "problems", "action_state", "last_known_actions"],
)
def test_a_run_that_lacks_a_table_is_incomplete(filled_lake: Lake, table: str) -> None:
    """The run whose file is missing is named with the table and counts as partial; the others are complete."""
    without_manifest(filled_lake)
    (filled_lake.path / path_of(table, "2026-10", RUNS[2])).unlink()
    found = rebuilt(filled_lake.path)
    assert [(run.run_id, run.missing) for run in found.runs] == [
        (RUNS[0], ()), (RUNS[1], ()), (RUNS[2], (table,)),
    ]  # fmt: skip
    after = Lake.create(filled_lake.path)
    assert [run.status for run in after.manifest.runs] == ["complete", "complete", "partial"]
    assert verify(after) == []


def test_earlier_manifests_tell_what_is_missing(filled_lake: Lake) -> None:
    """A file that nothing else speaks of is missed where an earlier manifest named it."""
    manifest = filled_lake.path / FILE_NAME
    shutil.copy(manifest, filled_lake.path / EARLIER[0])
    manifest.unlink()
    (filled_lake.path / path_of("promote_image_actions", "2026-10", RUNS[0])).unlink()
    assert rebuilt(filled_lake.path).runs[0].missing == ("promote_image_actions",)


def test_a_run_that_is_continued_is_not_published(filled_lake: Lake) -> None:
    """Files of a run that died before its last file was written are not named; the run stays to be continued."""
    without_manifest(filled_lake)
    run_id = RUNS[3]
    (filled_lake.runs.create(run_id) / "journal.jsonl").touch()
    half = filled_lake.path / path_of("actions", "2026-10", run_id)
    half.write_bytes(b"PAR1 half of it")
    found = rebuilt(filled_lake.path)
    assert found.unfinished == (run_id,)
    after = Lake.create(filled_lake.path)
    assert [run.run_id for run in after.manifest.runs] == RUNS[:3]
    assert after.resumable_runs() == [run_id]


def test_a_damaged_file_leaves_everything_as_it_is(filled_lake: Lake) -> None:
    """A file that cannot be read is named, and no manifest is made that would leave it to the sweep."""
    without_manifest(filled_lake)
    damaged = path_of("actions", "2026-10", RUNS[1])
    (filled_lake.path / damaged).write_bytes(b"x" * 100)
    with pytest.raises(LakeError, match=damaged):
        rebuilt(filled_lake.path)
    assert not (filled_lake.path / FILE_NAME).exists()
    (filled_lake.path / damaged).unlink()
    assert [run.missing for run in rebuilt(filled_lake.path).runs] == [(), ("actions",), ()]


def test_a_table_of_a_newer_version_is_not_left_out(filled_lake: Lake) -> None:
    """An older collector does not rebuild a manifest that would lack a table of a newer one."""
    without_manifest(filled_lake)
    newer = filled_lake.path / path_of("executions", "2026-10", RUNS[0])
    newer = newer if "executions" not in ALL else filled_lake.path / path_of("of_the_future", "2026-10", RUNS[0])
    newer.parent.mkdir(parents=True)
    newer.touch()
    with pytest.raises(LakeError, match="does not know"):
        rebuilt(filled_lake.path)


@pytest.mark.parametrize("there", ["nothing", "foreign", "first run"])
def test_without_files_there_is_nothing_to_build(tmp_path: Path, there: str) -> None:
    """A directory without files of published runs gets no manifest."""
    (tmp_path / "tables").mkdir()
    if there == "foreign":
        (tmp_path / "tables/a.csv").touch()
    if there == "first run":
        (Lake.create(tmp_path).runs.create(RUNS[0]) / "journal.jsonl").touch()
    with pytest.raises(LakeError):
        rebuilt(tmp_path)
    assert not (tmp_path / FILE_NAME).exists()
    with pytest.raises(LakeError, match="no lake"):
        Lake.without_manifest(tmp_path / "nowhere")


def test_when_all_actions_are_gone_none_is_last_known(filled_lake: Lake) -> None:
    """An older file of last known actions, not swept yet, does not come back when the newest run knows
    all as removed.
    """
    run = run_entry(3)
    removed = table_of(ALL["action_state"], run, 2)
    state: Table = ALL["action_state"]
    with filled_lake.writing("collect", run.finished_at):
        batches = {"runs": table_of(ALL["runs"], run, 1).to_batches(), "last_known_actions": []}
        publish(filled_lake, run, {**batches, "action_state": removed.to_batches()}, now=run.finished_at)
    assert state.name in filled_lake.manifest.tables
    assert "last_known_actions" not in filled_lake.manifest.tables
    without_manifest(filled_lake)
    rebuilt(filled_lake.path)
    assert "last_known_actions" not in Lake.open(filled_lake.path).manifest.tables


def test_a_manifest_that_fits_need_not_be_rebuilt(filled_lake: Lake) -> None:
    """No rebuild is needed while the manifest names all files and all that it names exist."""
    assert not is_needed(Lake.without_manifest(filled_lake.path))
    [entry, *_] = filled_lake.manifest.tables["actions"]
    assert table_file(entry.path) is not None
    content = (filled_lake.path / entry.path).read_bytes()
    (filled_lake.path / entry.path).unlink()
    assert is_needed(Lake.without_manifest(filled_lake.path))
    (filled_lake.path / entry.path).write_bytes(content)
    (filled_lake.path / FILE_NAME).write_bytes(b"{")
    assert is_needed(Lake.without_manifest(filled_lake.path))
    rebuilt(filled_lake.path)
    assert pq.read_table(filled_lake.path / entry.path).num_rows == COUNT
    assert msgspec.json.decode((filled_lake.path / FILE_NAME).read_bytes())["runs"][0]["run_id"] == RUNS[0]

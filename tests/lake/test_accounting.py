"""A manifest that does not account for the files of its lake: nobody writes, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.errors import LakeError
from collector.lake.compact import compact
from collector.lake.inventory import path_of
from collector.lake.lake import Lake
from collector.lake.manifest import EARLIER, FILE_NAME, GRACE, Manifest, decode
from collector.lake.prune import prune
from collector.lake.storage import Storage
from collector.lake.sweep import sweep
from tests.lake.nights import NOW, SOON, dataset, publish_night, run_entry


def tree(root: Path) -> dict[str, bytes]:
    """Every file but the lock, with its content."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def refused(path: Path) -> str:
    """What everybody who would write is told; nothing is changed by it."""
    before, said = tree(path), set()
    with pytest.raises(LakeError) as created:
        Lake.create(path)
    said.add(str(created.value))
    assert "--rebuild-manifest" in created.value.advice
    assert created.value.exit_code == 2
    for command in ("compact", "prune"):
        with pytest.raises(LakeError) as opened, Lake(Storage(path), Manifest()).writing(command, NOW):
            pass
        said.add(str(opened.value))
    assert tree(path) == before
    assert len(said) == 1
    return said.pop()


@pytest.fixture
def nights(lake: Lake) -> Lake:
    """Three nights."""
    for day in range(3):
        publish_night(lake, day)
    return lake


@pytest.mark.parametrize(("content", "state"), [(None, "missing"), (b"", "empty"), (b" \n\0\0", "empty")])
def test_files_without_a_manifest_are_no_new_lake(nights: Lake, content: bytes | None, state: str) -> None:
    """Where tables/ holds files and manifest.json is missing or empty, everybody who would write or read is refused, with
    the number of files and what to do.
    """
    count = sum(path.is_file() for path in (nights.path / "tables").rglob("*"))
    manifest = nights.path / FILE_NAME
    manifest.unlink() if content is None else manifest.write_bytes(content)
    assert f"tables/ holds {count} files and manifest.json is {state}" in refused(nights.path)
    with pytest.raises(LakeError, match=f"manifest.json is {state}"):
        Lake.open(nights.path)


@pytest.mark.parametrize("sign", [*EARLIER, "catalog.duckdb", f"runs/{run_entry(0).run_id}/raw.jsonl"])
def test_a_lake_without_its_tables_is_no_new_lake(tmp_path: Path, sign: str) -> None:
    """An earlier manifest, the catalog, or raw replies of a published run show that there was a lake: it is refused, even
    beside the journal of a run that was interrupted.
    """
    run_id = run_entry(1).run_id
    for name in (sign, f"runs/{run_id}/journal.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sign.removesuffix("/raw.jsonl") in refused(tmp_path)


def test_a_first_run_that_died_is_continued(lake: Lake) -> None:
    """Its journal, and the files of a publish that came to no end, are the beginning of a lake and nothing to refuse."""
    run_id = run_entry(0).run_id
    (lake.runs.create(run_id) / "journal.jsonl").touch()
    path = lake.path / path_of("actions", "2026-10", run_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    again = Lake.create(lake.path)
    assert again.resumable_runs() == [run_id]
    with again.writing("collect", NOW):
        assert sweep(again, now=NOW, keep_runs=[run_id]).files == (path_of("actions", "2026-10", run_id),)
    assert Lake.open(lake.path, published=False).resumable_runs() == [run_id]


@pytest.mark.parametrize("name", ["tables/mine/a.csv", "photos/1.jpg", "notes.txt", "runs/mine", "tables"])
def test_a_directory_of_others_is_no_lake(tmp_path: Path, name: str) -> None:
    """A directory that holds other things and no manifest is refused, and left as it is."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(LakeError, match=f"not empty and no lake: it holds {name.split('/', maxsplit=1)[0]}"):
        Lake.create(tmp_path)
    assert tree(tmp_path) == before
    assert not (tmp_path / ".lock").exists()


@pytest.mark.parametrize("name", ["tables", "tables/link", "runs/link", "other"])
def test_a_link_in_a_directory_without_a_manifest_is_of_others(tmp_path: Path, name: str) -> None:
    """A symbolic link is something that the collector did not make."""
    (tmp_path / "elsewhere").mkdir()
    lake = tmp_path / "lake"
    (lake / name).parent.mkdir(parents=True, exist_ok=True)
    (lake / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LakeError, match="no lake"):
        Lake.create(lake)


def test_what_is_in_every_fresh_directory_is_welcome(tmp_path: Path) -> None:
    """What a file system makes, hidden files, the collector's own settings and log, what the settings name, and empty
    directories of an earlier try are no other things.
    """
    for name in ("lost+found", ".snapshot", "tables/actions/run_month=2026-10", "runs"):
        (tmp_path / name).mkdir(parents=True)
    for name in (".gitkeep", "tables/.gitkeep", "collector.toml", "collector.log", "morning.md"):
        (tmp_path / name).touch()
    with pytest.raises(LakeError, match=r"holds morning\.md"):
        Lake.create(tmp_path)
    publish_night(Lake.create(tmp_path, besides=[tmp_path / "morning.md"]), 0)
    assert Lake.open(tmp_path).manifest.latest == run_entry(0)


def _published(lake: Lake) -> None:
    publish_night(lake, 3)


def _compacted(lake: Lake) -> None:
    publish_night(lake, 3)
    with lake.writing("compact", NOW):
        compact(lake, now=NOW)
    later = NOW + GRACE
    with lake.writing("collect", later):
        sweep(lake, now=later, keep_runs=[])


def _only_compacted(lake: Lake) -> None:
    with lake.writing("compact", NOW):
        compact(lake, now=NOW)
    later = NOW + GRACE
    with lake.writing("collect", later):
        sweep(lake, now=later, keep_runs=[])


@pytest.mark.parametrize("since", [_published, _compacted, _only_compacted])
def test_an_older_manifest_lets_nobody_write(nights: Lake, since: Callable[[Lake], None]) -> None:
    """Once a manifest from a backup is in place, the files of what came after it are unknown history: all are refused, and
    nothing is swept.
    """
    backup = (nights.path / FILE_NAME).read_bytes()
    since(nights)
    (nights.path / FILE_NAME).write_bytes(backup)
    assert "of published runs that manifest.json does not name" in refused(nights.path)


def test_raw_replies_of_unknown_runs_let_nobody_write(nights: Lake) -> None:
    """Raw replies are kept of published runs only; those of a run that the manifest does not know stay."""
    raw = nights.path / "runs" / run_entry(5).run_id / "raw.jsonl"
    raw.parent.mkdir(parents=True)
    raw.touch()
    assert run_entry(5).run_id in refused(nights.path)


def test_a_file_that_was_put_back_is_not_swept(nights: Lake) -> None:
    """A file of a known run whose rows no live file holds is history: after it comes back, the manifest is built anew."""
    entry = nights.manifest.tables["problems"][0]
    changed = decode((nights.path / FILE_NAME).read_bytes())
    changed.tables["problems"].remove(entry)
    with nights.writing("test", NOW):
        nights.swap_manifest(changed)
    assert entry.path in refused(nights.path)


def test_what_pruning_dropped_is_left_over(nights: Lake) -> None:
    """Files and raw replies of pruned runs are swept, also those that the manifest has forgotten."""
    raw = nights.runs.create(run_entry(0).run_id) / "raw.jsonl"
    raw.touch()
    with nights.writing("prune", SOON):
        prune(nights, keep_days=(SOON.date() - run_entry(2).run_date).days, now=SOON)
    publish_night(nights, 60, now=NOW + GRACE)
    assert not nights.manifest.retired or all(run_entry(0).run_id not in r.path for r in nights.manifest.retired)
    with nights.writing("collect", NOW + 2 * GRACE):
        swept = sweep(nights, now=NOW + 2 * GRACE, keep_runs=[])
    assert any(run_entry(0).run_id in path for path in swept.files)
    assert not raw.exists()


def test_the_last_manifests_are_kept(lake: Lake) -> None:
    """Each change keeps the manifest before it, the newest first, three of them; a restore is a copy."""
    contents: list[bytes] = []
    for day in range(6):
        publish_night(lake, day)
        kept = [(lake.path / name).read_bytes() for name in EARLIER if (lake.path / name).exists()]
        assert kept == contents[:-4:-1]
        contents.append((lake.path / FILE_NAME).read_bytes())
    before = dataset(lake)
    shutil.copy(lake.path / EARLIER[0], lake.path / FILE_NAME)
    assert [run.run_id for run in Lake.open(lake.path).manifest.runs] == [run_entry(d).run_id for d in range(5)]
    (lake.path / FILE_NAME).write_bytes(contents[-1])
    assert dataset(Lake.create(lake.path)) == before


def test_a_run_at_work_is_not_mistaken_for_harm(lake: Lake) -> None:
    """While another process holds a lake whose first publish is under way, what is seen is left for the lock to tell."""
    with lake.writing("collect", dt.datetime.now(dt.UTC)):
        path = lake.path / path_of("actions", "2026-10", run_entry(0).run_id)
        path.parent.mkdir(parents=True)
        path.touch()
        Lake.create(lake.path)
    with pytest.raises(LakeError):
        Lake.create(lake.path)

"""A manifest that does not account for the files of its lake: every writer is refused, and nothing is lost."""

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
from collector.lake.local_storage import LocalStorage
from collector.lake.manifest import EARLIER, FILE_NAME, GRACE, Manifest, decode
from collector.lake.prune import prune
from collector.lake.sweep import sweep
from tests.lake.published_runs import NOW, SOON, dataset, files_under, publish_run, run_entry


def tree(root: Path) -> dict[str, bytes]:
    """Return every file except the lock, with its content."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def refused(path: Path) -> str:
    """Return the message with which every writer is refused; nothing is changed."""
    before, messages = tree(path), set()
    with pytest.raises(LakeError) as created:
        Lake.create(path)
    messages.add(str(created.value))
    assert "--rebuild-manifest" in created.value.advice
    assert created.value.exit_code == 2
    for command in ("compact", "prune"):
        with pytest.raises(LakeError) as opened, Lake(LocalStorage(path), Manifest()).writing(command, NOW):
            pass
        messages.add(str(opened.value))
    assert tree(path) == before
    assert len(messages) == 1
    return messages.pop()


@pytest.fixture
def filled_lake(lake: Lake) -> Lake:
    """A lake with three runs."""
    for day in range(3):
        publish_run(lake, day)
    return lake


@pytest.mark.parametrize(("content", "state"), [(None, "missing"), (b"", "empty"), (b" \n\0\0", "empty")])
def test_files_without_a_manifest_are_no_new_lake(filled_lake: Lake, content: bytes | None, state: str) -> None:
    """When tables/ holds files and manifest.json is missing or empty, readers and writers are refused, with advice."""
    count = sum(path.is_file() for path in (filled_lake.path / "tables").rglob("*"))
    manifest = filled_lake.path / FILE_NAME
    manifest.unlink() if content is None else manifest.write_bytes(content)
    assert f"tables/ holds {count} files and manifest.json is {state}" in refused(filled_lake.path)
    with pytest.raises(LakeError, match=f"manifest.json is {state}"):
        Lake.open(filled_lake.path)


@pytest.mark.parametrize("sign", [*EARLIER, "catalog.duckdb", f"runs/{run_entry(0).run_id}/raw.jsonl"])
def test_a_lake_without_its_tables_is_no_new_lake(tmp_path: Path, sign: str) -> None:
    """An earlier manifest, the catalog, or raw replies of a published run show that there was a lake: it is refused,
    even beside the journal of a run that was interrupted.
    """
    run_id = run_entry(1).run_id
    for name in (sign, f"runs/{run_id}/journal.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sign.removesuffix("/raw.jsonl") in refused(tmp_path)


def test_a_first_run_that_died_is_continued(lake: Lake) -> None:
    """Its journal and the files of its unfinished publish are the beginning of a lake and are not refused."""
    run_id = run_entry(0).run_id
    (lake.runs.create(run_id) / "journal.jsonl").touch()
    path = lake.path / path_of("actions", "2026-10", run_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    again = Lake.create(lake.path)
    assert again.resumable_runs() == [run_id]
    with again.writing("collect", NOW):
        assert sweep(again, now=NOW, keep_runs=[run_id]) == []
    assert not path.exists()
    assert Lake.open(lake.path, published=False).resumable_runs() == [run_id]


@pytest.mark.parametrize("name", ["tables/mine/a.csv", "photos/1.jpg", "notes.txt", "runs/mine", "tables"])
def test_a_directory_of_others_is_no_lake(tmp_path: Path, name: str) -> None:
    """A directory that holds other things and no manifest is refused and not changed."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(LakeError, match=f"not empty and no lake: it holds {name.split('/', maxsplit=1)[0]}"):
        Lake.create(tmp_path)
    assert tree(tmp_path) == before
    assert not (tmp_path / ".lock").exists()


@pytest.mark.parametrize("name", ["tables", "tables/link", "runs/link", "other"])
def test_a_link_in_a_directory_without_a_manifest_is_foreign(tmp_path: Path, name: str) -> None:
    """A symbolic link is something that the collector did not make."""
    (tmp_path / "elsewhere").mkdir()
    lake = tmp_path / "lake"
    (lake / name).parent.mkdir(parents=True, exist_ok=True)
    (lake / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LakeError, match="no lake"):
        Lake.create(lake)


def test_usual_files_of_a_new_directory_are_accepted(tmp_path: Path) -> None:
    """A new lake may be in a directory with hidden files, the collector's settings and log, files that the settings
    name, and what a file system or an earlier attempt has made.
    """
    for name in ("lost+found", ".snapshot", "tables/actions/run_month=2026-10", "runs"):
        (tmp_path / name).mkdir(parents=True)
    for name in (".gitkeep", "tables/.gitkeep", "collector.toml", "collector.log", "morning.md"):
        (tmp_path / name).touch()
    with pytest.raises(LakeError, match=r"holds morning\.md"):
        Lake.create(tmp_path)
    publish_run(Lake.create(tmp_path, expected_files=[tmp_path / "morning.md"]), 0)
    assert Lake.open(tmp_path).manifest.latest == run_entry(0)


def _published(lake: Lake) -> None:
    publish_run(lake, 3)


def _compacted(lake: Lake) -> None:
    publish_run(lake, 3)
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
def test_an_older_manifest_refuses_writers(filled_lake: Lake, since: Callable[[Lake], None]) -> None:
    """After a manifest is restored from a backup, the files of later runs are unknown to it: writers are refused, and
    nothing is swept.
    """
    backup = (filled_lake.path / FILE_NAME).read_bytes()
    since(filled_lake)
    (filled_lake.path / FILE_NAME).write_bytes(backup)
    assert "of published runs that manifest.json does not name" in refused(filled_lake.path)


def test_raw_replies_of_unknown_runs_refuse_writers(filled_lake: Lake) -> None:
    """Raw replies show that their run was published; those of a run that the manifest does not know are kept."""
    raw = filled_lake.path / "runs" / run_entry(5).run_id / "raw.jsonl"
    raw.parent.mkdir(parents=True)
    raw.touch()
    assert run_entry(5).run_id in refused(filled_lake.path)


def test_a_file_that_was_put_back_is_not_swept(filled_lake: Lake) -> None:
    """A file of a known run whose rows no live file holds is history: the manifest must be rebuilt."""
    entry = filled_lake.manifest.tables["problems"][0]
    changed = decode((filled_lake.path / FILE_NAME).read_bytes())
    changed.tables["problems"].remove(entry)
    with filled_lake.writing("test", NOW):
        filled_lake.replace_manifest(changed, filled_lake.storage.load(FILE_NAME))
    assert entry.path in refused(filled_lake.path)


def test_files_of_pruned_runs_are_leftovers(filled_lake: Lake) -> None:
    """Files and raw replies of pruned runs are swept, also when the manifest no longer lists them."""
    raw = filled_lake.runs.create(run_entry(0).run_id) / "raw.jsonl"
    raw.touch()
    with filled_lake.writing("prune", SOON):
        prune(filled_lake, keep_days=(SOON.date() - run_entry(2).run_date).days, now=SOON)
    publish_run(filled_lake, 60, now=NOW + GRACE)
    assert not filled_lake.manifest.retired or all(
        run_entry(0).run_id not in r.path for r in filled_lake.manifest.retired
    )
    with filled_lake.writing("collect", NOW + 2 * GRACE):
        assert sweep(filled_lake, now=NOW + 2 * GRACE, keep_runs=[]) == []
    assert not any(run_entry(0).run_id in path for path in files_under(filled_lake.path))
    assert not raw.exists()


def test_the_last_manifests_are_kept(lake: Lake) -> None:
    """The last three manifests are kept, the newest first; to restore one is to copy it."""
    contents: list[bytes] = []
    for day in range(6):
        publish_run(lake, day)
        kept = [(lake.path / name).read_bytes() for name in EARLIER if (lake.path / name).exists()]
        assert kept == contents[:-4:-1]
        contents.append((lake.path / FILE_NAME).read_bytes())
    before = dataset(lake)
    shutil.copy(lake.path / EARLIER[0], lake.path / FILE_NAME)
    assert [run.run_id for run in Lake.open(lake.path).manifest.runs] == [run_entry(d).run_id for d in range(5)]
    (lake.path / FILE_NAME).write_bytes(contents[-1])
    assert dataset(Lake.create(lake.path)) == before


def test_a_working_run_is_not_mistaken_for_damage(lake: Lake) -> None:
    """While another process publishes the first run of a lake, its unfinished state is not refused as damage."""
    with lake.writing("collect", dt.datetime.now(dt.UTC)):
        path = lake.path / path_of("actions", "2026-10", run_entry(0).run_id)
        path.parent.mkdir(parents=True)
        path.touch()
        Lake.create(lake.path)
    with pytest.raises(LakeError):
        Lake.create(lake.path)

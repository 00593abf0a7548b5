"""The lake: opened as one consistent set or refused, changed only under its lock."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from collector.errors import LakeBusy, LakeError, NotPublished, SettingsError
from collector.lake.lake import Lake
from collector.lake.manifest import FILE_NAME, GRACE, Manifest, decode
from collector.lake.sizes import TableSize, table_sizes
from collector.lake.table import schema_fingerprint
from collector.lake.tables import ALL
from tests.lake.published_runs import NOW, dataset, files_under, publish_run, run_entry


def test_a_directory_without_a_manifest_is_an_empty_lake_to_write(tmp_path: Path) -> None:
    """`create` makes what is missing and begins with nothing; no manifest is written before a run."""
    lake = Lake.create(tmp_path / "a" / "lake")
    assert lake.manifest == Manifest()
    assert list(lake.path.iterdir()) == []
    assert lake.resumable_runs() == []
    assert table_sizes(lake.manifest) == {}


@pytest.mark.parametrize("there", [(), ("a",), ("a", "a/lake")])
def test_an_empty_lake_is_removed_and_the_rest_stays(tmp_path: Path, there: tuple[str, ...]) -> None:
    """What was made for a lake that stayed empty is removed; directories that existed before stay, without a lock."""
    for name in there:
        (tmp_path / name).mkdir()
    lake = Lake.create(tmp_path / "a" / "lake")
    with lake.writing("collect", NOW):
        lake.runs.remove(lake.runs.create("20261123T021500Z-7f3a9c").name)
        lake.remove_if_empty()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == sorted(there)


@pytest.mark.parametrize("what", ["runs/20261123T021500Z-7f3a9c/journal.jsonl", "notes.txt", "manifest.json"])
def test_a_lake_with_anything_in_it_stays(tmp_path: Path, what: str) -> None:
    """With a journal, a manifest, or any other file in it, nothing is removed."""
    lake = Lake.create(tmp_path / "lake")
    with lake.writing("collect", NOW):
        (lake.path / what).parent.mkdir(parents=True, exist_ok=True)
        (lake.path / what).touch()
        lake.remove_if_empty()
    assert (lake.path / what).exists()
    assert (lake.path / ".lock").exists()


@pytest.mark.parametrize("name", ["nowhere", "empty", "file"])
def test_a_missing_lake_is_an_error_with_advice(tmp_path: Path, name: str) -> None:
    """To read a missing or empty directory, or a file, is refused with advice how to make a lake; nothing is made."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="there is no lake") as caught:
        Lake.open(tmp_path / name)
    assert "--lake" in caught.value.advice
    assert not (tmp_path / "nowhere").exists()


def test_a_file_where_the_lake_should_be_is_a_setting(tmp_path: Path) -> None:
    """A lake cannot be made at or below a file."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "lake"):
        with pytest.raises(SettingsError) as caught:
            Lake.create(path)
        assert caught.value.exit_code == 2
        assert caught.value.advice


@pytest.mark.parametrize("content", [b"{", b'{"format": 99}'])
def test_a_damaged_manifest_refuses_readers_and_writers(lake: Lake, content: bytes) -> None:
    """Readers and writers alike refuse a damaged or newer manifest, and leave everything as it was."""
    publish_run(lake, 0)
    (lake.path / FILE_NAME).write_bytes(content)
    before = files_under(lake.path)
    for attempt in (Lake.open, Lake.create):
        with pytest.raises(LakeError) as caught:
            attempt(lake.path)
        assert caught.value.exit_code == 2
    with pytest.raises(LakeError):
        publish_run(lake, 1)
    assert (lake.path / FILE_NAME).read_bytes() == content
    assert files_under(lake.path) == before


def test_a_manifest_that_is_a_directory_is_damage(tmp_path: Path) -> None:
    """Something else under the manifest's name is not an empty lake."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LakeError, match="damaged"):
        Lake.create(tmp_path)


def test_a_reader_gets_paths_and_sizes_of_one_set(lake: Lake) -> None:
    """`files` gives absolute paths with fingerprints, `sizes` their sums; a lake may be moved."""
    publish_run(lake, 0, count=4)
    publish_run(lake, 1, count=5)
    moved = lake.path.parent / "moved"
    lake.path.rename(moved)
    reader = Lake.open(moved)
    files = reader.files("actions")
    assert [path.name for path, _ in files] == [f"{run_entry(day).run_id}.parquet" for day in (0, 1)]
    assert all(path.is_absolute() and path.is_file() for path, _ in files)
    assert {schema for _, schema in files} == {schema_fingerprint(ALL["actions"].schema)}
    assert reader.files("variables") == []
    assert table_sizes(reader.manifest)["actions"] == TableSize(2, 9, sum(path.stat().st_size for path, _ in files))
    assert len(dataset(reader)["actions"]) == 9


def test_the_manifest_is_read_again_under_the_lock(lake: Lake) -> None:
    """A writer that opened the lake before another's run continues from that run, not from what it read."""
    other = Lake.create(lake.path)
    publish_run(lake, 0)
    publish_run(other, 1)
    assert [run.run_id for run in Lake.open(lake.path).manifest.runs] == [run_entry(d).run_id for d in (0, 1)]


def test_changing_a_lake_without_its_lock_is_a_bug(lake: Lake) -> None:
    """No commit outside `writing`, nor after it."""
    with pytest.raises(RuntimeError):
        lake.commit(lake.manifest, NOW)
    with lake.writing("collect", NOW):
        pass
    with pytest.raises(RuntimeError):
        lake.commit(lake.manifest, NOW)


def test_a_manifest_changed_behind_the_lock_is_noticed(lake: Lake) -> None:
    """On a file system whose locks lie, the second commit finds another manifest and gives way."""
    with lake.writing("collect", NOW):
        other = Lake.create(lake.path)
        other._is_locked = lake._is_locked
        other.commit(other.manifest, NOW)
        with pytest.raises(LakeBusy, match="another process has changed"):
            lake.commit(lake.manifest, NOW)
    assert Lake.open(lake.path).manifest.sequence == 1


def test_every_commit_counts_one_and_retires_what_it_drops(lake: Lake) -> None:
    """The sequence grows by one; files no longer live are retired, and forgotten when their grace is over."""
    publish_run(lake, 0)
    dropped = lake.manifest.live_paths()
    for sequence, now, retired in ((2, NOW, dropped), (3, NOW + GRACE / 2, dropped), (4, NOW + GRACE, set())):
        with lake.writing("prune", now):
            lake.commit(msgspec.structs.replace(lake.manifest, tables={}), now)
        manifest = decode((lake.path / FILE_NAME).read_bytes())
        assert manifest == lake.manifest
        assert manifest.sequence == sequence
        assert {item.path for item in manifest.retired} == retired


def test_a_manifest_that_may_not_be_read_is_a_setting(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """No right to read the manifest is not an empty lake, and neither is a failing disk."""
    publish_run(lake, 0)
    for error, kind in ((PermissionError(13, "denied"), SettingsError), (OSError(5, "I/O"), NotPublished)):

        def fail(path: str, error: OSError = error) -> bytes:
            raise error

        monkeypatch.setattr(lake.storage, "read", fail)
        with pytest.raises(kind), lake.writing("collect", NOW):
            pass


READ_ONLY = """
import datetime, os, pathlib, sys
from collector.errors import CollectorError
from collector.lake.lake import Lake
path = pathlib.Path(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)
print(len(Lake.open(path).manifest.runs))
for attempt in ("lock", "new"):
    try:
        lake = Lake.create(path if attempt == "lock" else path / "below")
        with lake.writing("collect", datetime.datetime.now(datetime.UTC)):
            print("written")
    except CollectorError as error:
        print(type(error).__name__, error.exit_code, bool(error.advice))
"""


def test_a_read_only_lake_can_be_read_and_says_why_not_written() -> None:
    """Without the right to write, reading works and writing is a SettingsError with advice."""
    # Not tmp_path: pytest makes it 0700, and as root this test reads with another user's eyes.
    path = Path(tempfile.mkdtemp())
    try:
        lake = Lake.create(path / "lake")
        publish_run(lake, 0)
        (lake.path / ".lock").unlink()
        for directory in (path, lake.path):
            os.chmod(directory, 0o555)
        os.chmod(lake.path / FILE_NAME, 0o644)
        command = [sys.executable, "-W", "error", "-c", READ_ONLY, str(lake.path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        for directory in (path, path / "lake"):
            os.chmod(directory, 0o755)
        shutil.rmtree(path)
    assert said.stdout.splitlines() == ["1", "SettingsError 2 True", "SettingsError 2 True"]


def test_times_in_a_manifest_are_utc(lake: Lake) -> None:
    """A commit at a time of another zone is written in UTC."""
    at = NOW.astimezone(dt.timezone(dt.timedelta(hours=5)))
    publish_run(lake, 0, now=at)
    assert Lake.open(lake.path).manifest.published_at == NOW

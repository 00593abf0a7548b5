"""Storage: modes, replacement in one step, and errors that say what to do."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from collector.errors import NotPublished, SettingsError
from collector.lake.lake import Lake
from collector.lake.local_files import make_directory, sha256_of
from collector.lake.local_storage import LocalStorage
from collector.lake.storage import StoredFile, translated
from tests.lake.published_runs import publish_run


def write(storage: LocalStorage, path: str, content: bytes) -> None:
    """One small file."""
    with storage.output(path) as sink:
        sink.write(content)


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o022])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """Every directory of a lake is 0750 and every file 0640, whatever the umask takes or lets through."""
    before = os.umask(umask)
    try:
        lake = Lake.create(tmp_path / "nested" / "lake")
        publish_run(lake, 0)
        lake.runs.create("20261123T021500Z-7f3a9c")
    finally:
        os.umask(before)
    found = {path: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "nested").rglob("*")}
    assert len(found) > 10
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o750}
    assert {mode for path, mode in found.items() if path.is_file()} == {0o640}


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    """A directory that somebody made for the lake stays as they made it."""
    (tmp_path / "given").mkdir(mode=0o700)
    make_directory(tmp_path / "given" / "new")
    assert stat.S_IMODE((tmp_path / "given").stat().st_mode) == 0o700


def test_a_sink_counts_and_hashes_what_is_written(tmp_path: Path) -> None:
    """Bytes and sha256 of a sink are those of the file."""
    storage = LocalStorage(tmp_path)
    with storage.output("a/b") as sink:
        sink.write(b"one")
        sink.write(memoryview(b"two"))
        assert sink.tell() == 6
    assert (tmp_path / "a/b").read_bytes() == b"onetwo"
    assert sink.sha256 == sha256_of(tmp_path / "a/b") == hashlib.sha256(b"onetwo").hexdigest()
    assert sink.closed


def test_listing_gives_relative_paths(tmp_path: Path) -> None:
    """A listing is sorted, relative to the root, and empty where nothing is."""
    storage = LocalStorage(tmp_path)
    write(storage, "x/b", b"12")
    write(storage, "x/a/c", b"1")
    assert storage.files("x") == [StoredFile("x/a/c", True), StoredFile("x/b", True)]
    assert storage.files("nowhere") == []
    assert storage.names() == [StoredFile("x", False)]


def test_replacing_leaves_the_new_content_and_nothing_else(tmp_path: Path) -> None:
    """After a replacement the file is the new one, and no temporary file is left."""
    storage = LocalStorage(tmp_path)
    storage.replace("manifest.json", b"old")
    storage.replace("manifest.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    assert storage.read("manifest.json") == b"new"


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    """A file that is gone already is as good as deleted; empty directories go on request, others stay."""
    storage = LocalStorage(tmp_path)
    write(storage, "tables/a/b/c", b"")
    write(storage, "tables/d/e", b"")
    storage.delete("tables/a/b/c")
    storage.delete("tables/a/b/c")
    (tmp_path / "tables/mine").mkdir()
    storage.delete_empty_directories("tables", lambda path: path != "tables/mine")
    (tmp_path / "tables/mine").rmdir()
    assert sorted(path.name for path in (tmp_path / "tables").rglob("*")) == ["d", "e"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    """A listing reports a link as not regular and does not follow it, also when the directory itself is one; writing
    through a link is refused.
    """
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").write_bytes(b"mine")
    storage = LocalStorage(tmp_path / "lake")
    write(storage, "tables/a/file", b"")
    (tmp_path / "lake/tables/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lake/tables/a/precious").symlink_to(tmp_path / "elsewhere/precious")
    listed = {file.path: file.regular for file in storage.files("tables")}
    assert listed == {"tables/a/file": True, "tables/a/precious": False, "tables/link": False}
    with pytest.raises(NotPublished):
        write(storage, "tables/a/precious", b"ours")
    (tmp_path / "lake/all").symlink_to(tmp_path / "elsewhere")
    assert storage.files("all") == [StoredFile("all", False)]
    storage.delete_empty_directories("all", lambda path: True)
    assert (tmp_path / "elsewhere/precious").read_bytes() == b"mine"


def test_a_failure_inside_the_block_is_the_one_reported(tmp_path: Path) -> None:
    """What goes wrong while writing is not hidden by closing, and our own errors are not translated."""
    for error in (SettingsError("a"), KeyError("b")):
        with pytest.raises(type(error)), LocalStorage(tmp_path).output("f"):
            raise error


@pytest.mark.parametrize(
    ("number", "kind", "exit_code"),
    [
        (errno.ENOSPC, NotPublished, 3),
        (errno.EDQUOT, NotPublished, 3),
        (errno.EFBIG, NotPublished, 3),
        (errno.EIO, NotPublished, 3),
        (errno.EMFILE, NotPublished, 3),
        (errno.EACCES, SettingsError, 2),
        (errno.EPERM, SettingsError, 2),
        (errno.EROFS, SettingsError, 2),
        (errno.ENOTDIR, SettingsError, 2),
        (errno.EINVAL, SettingsError, 2),
        (errno.ENOTSUP, SettingsError, 2),
        (errno.ENOSYS, SettingsError, 2),
        (errno.EXDEV, SettingsError, 2),
    ],
)
def test_every_refusal_of_the_system_has_advice(number: int, kind: type[Exception], exit_code: int) -> None:
    """A full or failing disk leaves a run that can go on; a missing right,
    or a mount that cannot, is a setting to mend.
    """
    error = translated(OSError(number, "words"), "/lake/x")
    assert type(error) is kind
    assert error.exit_code == exit_code
    assert "/lake/x" in str(error)
    assert error.advice

"""Tests whether a file system can do what a lake needs, in a scratch directory that is deleted again.

Permissions say nothing about what a mount can do: network and FUSE file systems accept files and refuse to rename, lock
or fsync them. A run would notice hours later, when it publishes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collector.lake.storage import DIRECTORY_MODE, FILE_MODE, make_directory, make_file, sync_directory, sync_file

PREFIX = ".collector-doctor-"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that a file system refuses; `consequence` is empty when a run would fail because of it."""

    operation: str
    reason: str
    consequence: str = ""


def refusals(place: Path) -> Iterator[Refusal]:
    """Yield what the file system of an existing directory refuses of what a lake needs."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    except OSError as error:
        yield Refusal("create a directory", error.strerror or str(error))
        return
    try:
        for operation, probe in _PROBES.items():
            try:
                refused = probe(scratch)
            except OSError as error:
                refused = (error.strerror or str(error), "")
            if refused is not None:
                yield Refusal(operation, *refused)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if scratch.exists():
        yield Refusal("delete files", f"{scratch} still exists", "Files that a run no longer needs stay on the disk.")


_Refused = tuple[str, str] | None  # the reason and the consequence


def _directories(scratch: Path) -> _Refused:
    make_directory(scratch / "directory" / "below")
    return _mode(scratch / "directory" / "below", DIRECTORY_MODE)


def _files(scratch: Path) -> _Refused:
    make_file(scratch / "file")
    return _mode(scratch / "file", FILE_MODE)


def _mode(path: Path, wanted: int) -> _Refused:
    found = stat.S_IMODE(path.stat().st_mode) & 0o777
    return None if found == wanted else (f"they have {found:04o}", "Everyone who can read the mount can read the lake.")


def _append_and_truncate(scratch: Path) -> _Refused:
    path = scratch / "journal"
    path.write_bytes(b"one")
    with path.open("r+b", buffering=0) as file:
        file.seek(0, os.SEEK_END)
        file.write(b"two")
        file.truncate(4)
    return None if path.read_bytes() == b"onet" else ("what is read differs from what was written", "")


def _sync_file(scratch: Path) -> _Refused:
    (scratch / "synced").write_bytes(b"content")
    sync_file(scratch / "synced")
    return None


def _sync_directory(scratch: Path) -> _Refused:
    if sync_directory(scratch):
        return None
    return (
        "it does not know this operation",
        "A run is published all the same; the last one may be lost when the machine that stores the files loses power.",
    )


def _replace(scratch: Path) -> _Refused:
    old, new = scratch / "manifest", scratch / "manifest.tmp"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    os.replace(new, old)
    return None if old.read_bytes() == b"new" and not new.exists() else ("the old file is still there", "")


def _lock(scratch: Path) -> _Refused:
    with (scratch / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return None


_PROBES: dict[str, Callable[[Path], _Refused]] = {
    f"create directories of mode {DIRECTORY_MODE:04o}": _directories,
    f"create files of mode {FILE_MODE:04o}": _files,
    "append to a file and cut it": _append_and_truncate,
    "lock a file (flock)": _lock,
    "make the content of a file durable (fsync)": _sync_file,
    "make the names in a directory durable (fsync)": _sync_directory,
    "replace a file by another in one step (rename)": _replace,
}

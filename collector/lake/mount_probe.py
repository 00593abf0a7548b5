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
        for operation, (probe, consequence) in _PROBES.items():
            try:
                if reason := probe(scratch):
                    yield Refusal(operation, reason, consequence)
            except OSError as error:
                yield Refusal(operation, error.strerror or str(error))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if scratch.exists():
        yield Refusal("delete files", f"{scratch} still exists", "Files that a run no longer needs stay on the disk.")


# A probe raises OSError, or returns why the operation does not do what it should, or nothing.
def _directories(scratch: Path) -> str:
    make_directory(scratch / "directory" / "below")
    return _other_mode(scratch / "directory" / "below", DIRECTORY_MODE)


def _files(scratch: Path) -> str:
    make_file(scratch / "file")
    return _other_mode(scratch / "file", FILE_MODE)


def _other_mode(path: Path, wanted: int) -> str:
    found = stat.S_IMODE(path.stat().st_mode) & 0o777
    return "" if found == wanted else f"they have {found:04o}"


def _append_and_truncate(scratch: Path) -> str:
    path = scratch / "journal"
    path.write_bytes(b"one")
    with path.open("r+b", buffering=0) as file:
        file.seek(0, os.SEEK_END)
        file.write(b"two")
        file.truncate(4)
    return "" if path.read_bytes() == b"onet" else "what is read differs from what was written"


def _lock(scratch: Path) -> str:
    with (scratch / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return ""


def _sync_file(scratch: Path) -> str:
    (scratch / "synced").write_bytes(b"content")
    sync_file(scratch / "synced")
    return ""


def _sync_directory(scratch: Path) -> str:
    return "" if sync_directory(scratch) else "it does not know this operation"


def _replace(scratch: Path) -> str:
    old, new = scratch / "manifest", scratch / "manifest.tmp"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    os.replace(new, old)
    return "" if old.read_bytes() == b"new" and not new.exists() else "the old file is still there"


_READABLE = "Everyone who can read the mount can read the lake."
_NOT_DURABLE = (
    "A run is published all the same; the last one may be lost when the machine that stores the files loses power."
)
# The consequence is that of a returned reason; after an OSError a run fails.
_PROBES: dict[str, tuple[Callable[[Path], str], str]] = {
    f"create directories of mode {DIRECTORY_MODE:04o}": (_directories, _READABLE),
    f"create files of mode {FILE_MODE:04o}": (_files, _READABLE),
    "append to a file and cut it": (_append_and_truncate, ""),
    "lock a file (flock)": (_lock, ""),
    "make the content of a file durable (fsync)": (_sync_file, ""),
    "make the names in a directory durable (fsync)": (_sync_directory, _NOT_DURABLE),
    "replace a file by another in one step (rename)": (_replace, ""),
}

"""Tests whether a file system can do what a lake needs, in a scratch directory that is deleted again.

Permissions say nothing about what a mount can do: network and FUSE file systems accept files and refuse to rename, lock
or fsync them. A run would notice hours later, when it publishes.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from collector.lake.local_files import make_directory, make_file, sync_directory, sync_file
from collector.lake.storage import DIRECTORY_MODE, FILE_MODE

_READABLE = "Everyone who can read the mount can read the lake."
_NOT_DURABLE = (
    "A run is published all the same; the last one may be lost when the machine that stores the files loses power."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that a file system refuses; `consequence` is empty when a run would fail because of it."""

    operation: str
    reason: str
    consequence: str = ""


def refusals(place: Path) -> Iterator[Refusal]:
    """Yield what the file system of an existing directory refuses of what a lake needs."""
    try:
        with TemporaryDirectory(prefix=".collector-doctor-", dir=place, ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            for operation, probe, consequence in _probes(scratch / "directory", scratch / "file"):
                try:
                    if reason := probe():
                        yield Refusal(operation, reason, consequence)
                except OSError as error:
                    yield Refusal(operation, error.strerror or str(error))
    except OSError as error:
        yield Refusal("create a directory", error.strerror or str(error))
        return
    if scratch.exists():
        yield Refusal("delete files", f"{scratch} still exists", "Files that a run no longer needs stay on the disk.")


def _probes(directory: Path, file: Path) -> Iterator[tuple[str, Callable[[], str | None], str]]:
    """Yield operations, each with a probe and what follows from the reason that it returns; others raise OSError."""

    def create() -> str | None:
        make_file(file)
        return _other_mode(file, FILE_MODE)

    def append_and_truncate() -> None:
        with file.open("ab", buffering=0) as stream:
            stream.write(b"content")
            stream.truncate(4)

    def lock() -> None:
        with file.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def replace() -> None:
        new = file.with_suffix(".tmp")
        new.touch()
        os.replace(new, file)

    directories = f"create directories of mode {DIRECTORY_MODE:04o}"
    yield directories, lambda: _other_mode(make_directory(directory)[0], DIRECTORY_MODE), _READABLE
    yield f"create files of mode {FILE_MODE:04o}", create, _READABLE
    yield "append to a file and cut it", append_and_truncate, ""
    yield "lock a file (flock)", lock, ""
    yield "make the content of a file durable (fsync)", lambda: sync_file(file), ""
    unknown = "it does not know this operation"
    durable = "make the names in a directory durable (fsync)"
    yield durable, lambda: None if sync_directory(file.parent) else unknown, _NOT_DURABLE
    yield "replace a file by another in one step (rename)", replace, ""


def _other_mode(path: Path, wanted: int) -> str | None:
    found = stat.S_IMODE(path.stat().st_mode) & 0o777
    return None if found == wanted else f"they have {found:04o}"

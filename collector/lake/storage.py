"""Where the files of a lake are: one interface, with an implementation for the local disk and one for object storage.

Everything that is kept is written through one `Storage`, by relative POSIX paths. The journal, the staged rows and the
lock are local by design and do not come here: `work_root` says where they are.

An OSError is translated here: what the disk refuses becomes `NotPublished` (the run can be resumed), what the
permissions refuse becomes `SettingsError`.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from collector.errors import CollectorError, LakeBusy, LakeError, NotPublished, SettingsError
from collector.lake.manifest import FileEntry

if TYPE_CHECKING:
    import pyarrow as pa

DIRECTORY_MODE = 0o750
FILE_MODE = 0o640

_RESTORE_FILE = "Restore it from a copy of the lake; `collector verify` names the damaged runs."
# How a file system refuses an operation that it does not know: to try again does not help.
NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV})


class FilesGone(LakeError):
    """A file that the manifest names is missing: a newer manifest has replaced it, or the lake is damaged."""


class Outdated(LakeBusy):
    """Another process has changed the manifest since it was read; what was computed from it must be computed again."""


def missing_file(reason: str) -> FilesGone:
    """Return the error for a file of the lake that is not there."""
    return FilesGone(f"a file of the lake is missing: {reason}", _RESTORE_FILE)


def unreadable_file(reason: str) -> LakeError:
    """Return the error for a file of the lake that is there and cannot be read."""
    return LakeError(f"a file cannot be read: {reason}", _RESTORE_FILE)


def outdated(where: str) -> Outdated:
    """Return the error for a lake whose manifest was changed meanwhile."""
    return Outdated(
        f"another process has changed the manifest of {where} in the meantime",
        advice="Run the same command again; nothing is lost.",
    )


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was found: `regular` is neither a link nor an unreadable directory.

    `modified` is None where only this machine writes, and the lock says that no write is in progress.
    """

    path: str
    regular: bool
    modified: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The content of a small file, and what names this version of it where the storage has such a name."""

    content: bytes
    version: object = None


class Storage(Protocol):
    """The files of one lake. Every path given or returned is relative, with forward slashes.

    Raises NotPublished when the storage is full or fails, SettingsError when it refuses access.
    """

    @property
    def where(self) -> str:
        """What people call the place: an absolute path or a URL, without secrets."""

    @property
    def work_root(self) -> Path:
        """The directory on this machine that holds journals, staged rows and the lock."""

    @property
    def readable(self) -> Path:
        """The directory below which `copies` are."""

    @property
    def shared(self) -> bool:
        """Whether other machines may write at the same time, so that the lock of this one does not exclude them."""

    @property
    def exists(self) -> bool:
        """Whether there is a place to look for files."""

    def prepare(self) -> list[Path]:
        """Create what writing needs on this machine; return the directories that were created."""

    def output(self, path: str) -> AbstractContextManager[HashingWriter]:
        """Open a new file for writing. It may become visible to others only with `sync`."""

    def sync(self, *paths: str) -> None:
        """Make written files durable, the last one last."""

    def read(self, path: str) -> bytes:
        """Return the content of a small file. Raises FileNotFoundError, and other OSErrors without translation."""

    def load(self, path: str) -> Loaded:
        """Return the content of a small file with its version. Raises as `read` does."""

    def swap(self, path: str, content: bytes, seen: Loaded | None, earlier: Sequence[str]) -> None:
        """Replace a file in one step, and keep the content before as the first of the `earlier` ones, if any are named.

        Raises Outdated when the file is not the one that was `seen`, as far as the storage can tell.
        """

    def replace(self, path: str, content: bytes) -> None:
        """Create a small file, or replace it in one step."""

    def create(self, path: str, content: bytes) -> bool:
        """Create a small file; return False where another machine has created it before with another content."""

    def require_conditions(self) -> None:
        """Raise SettingsError when the storage cannot keep two writers from losing each other's run."""

    def copies(self, files: Iterable[FileEntry]) -> list[Path]:
        """Return a path on this machine for each file. Raises FilesGone, or LakeError for one that is damaged."""

    def fetched(self, path: str) -> AbstractContextManager[Path]:
        """Return a path on this machine for one file as it is stored now. Raises OSError without translation."""

    def files(self, under: str) -> list[StoredFile]:
        """Return everything below a directory except directories, sorted by path; nothing when it does not exist."""

    def names(self) -> list[StoredFile]:
        """Return the names at the root, also of directories, which are not `regular`."""

    def delete(self, path: str) -> None:
        """Remove a file; one that does not exist is no error."""

    def delete_empty_directories(self, under: str, is_own: Callable[[str], object]) -> None:
        """Remove the empty directories below `under` whose path `is_own`, without following links."""


class HashingWriter:
    """A stream that counts and hashes what is written, so that a manifest entry needs no second reading."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview | pa.Buffer) -> int:
        """Write all of `data` and return its length in bytes."""
        view = memoryview(data)
        self._stream.write(view)
        self._hash.update(view)
        self.bytes += view.nbytes
        return view.nbytes

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else (tell, flush, close, closed) to the stream."""
        return getattr(self._stream, name)

    @property
    def sha256(self) -> str:
        """The hash of everything written so far, as 64 hexadecimal digits."""
        return self._hash.hexdigest()


def translated(error: OSError, where: str) -> CollectorError:
    """Return the error that says what to do about `error`, which happened at `where`."""
    kind: type[CollectorError] = SettingsError
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            message = f"{where} cannot be read or written"
            advice = "Give this user the right to read and write the lake, or name another with --lake."
        case errno.ENOTDIR | errno.EEXIST | errno.EISDIR:
            message = f"{where} is not what a lake needs there"
            advice = "Name a directory with --lake; it is created when it does not exist."
        case number if number in NOT_SUPPORTED:
            message = f"The file system of {where} refuses an operation that a lake needs"
            advice = "Put the lake on a local disk or another mount; `collector doctor` says what this one refuses."
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            kind, message = NotPublished, f"no room to write {where}"
            advice = (
                "Free some space (`collector prune` drops old runs) and run the same command again; nothing is lost."
            )
        case _:
            kind, message = NotPublished, f"{where} could not be read or written"
            advice = "Repair the disk or the mount and run the same command again; nothing is lost."
    return kind(f"{message}: {str(error) if error.errno is None else os.strerror(error.errno)}", advice=advice)


@contextmanager
def translating(where: str | Path) -> Iterator[None]:
    """Translate an OSError in the block into the error that says what to do about it."""
    try:
        yield
    except OSError as error:
        raise translated(error, str(where)) from error

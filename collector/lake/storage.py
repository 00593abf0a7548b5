"""The files of a lake, reached by relative posix paths: the only user of pyarrow.fs.

Strategy: everything that is read or written for keeps goes through one `Storage`, whose file system is a
sub-tree at the lake's root. Today it is the local disk; an object store needs another `_FileSystem` and its
own words for `settle` and `replace` (a conditional put), nothing else. The journal and the lock are local
by design and do not come here.

Rules for whoever edits this file:
* Directories are 0750 and files 0640 from the moment they exist, whatever the umask: they are created with
  a narrow mode first and widened by chmod, never the other way round.
* A foreign error is translated here, once: what the disk refuses becomes `NotPublished` (the run can go on
  later), what the permissions refuse becomes `SettingsError`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from collector.errors import CollectorError, NotPublished, SettingsError

DIRECTORY_MODE = 0o750
FILE_MODE = 0o640

# One read of this size costs no more than many small ones, and fits any memory limit.
_CHUNK_BYTES = 1 << 20

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# What a file system answers that does not know an operation at all: no other attempt will do better.
NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV})
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EEXIST, errno.EISDIR})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that exists: relative posix path, size in bytes, last write in seconds since the epoch.

    What is not `regular` is a symbolic link, a device, or a directory that may not be read.
    """

    path: str
    bytes: int
    modified: float
    regular: bool = True


class HashingWriter:
    """A stream that counts and hashes what passes, so that a manifest entry needs no second reading."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview | pa.Buffer) -> int:
        """Write the whole of `data` and return its length in bytes."""
        view = memoryview(data)
        self._stream.write(view)
        self._hash.update(view)
        self.bytes += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """The position in bytes, which is what was written so far."""
        return self.bytes

    def flush(self) -> None:
        """Hand the operating system what is buffered."""
        self._stream.flush()

    def close(self) -> None:
        """Close the stream; a second close does nothing."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether the stream is closed."""
        return bool(self._stream.closed)

    @property
    def sha256(self) -> str:
        """The hash of everything written so far, as 64 hexadecimal digits."""
        return self._hash.hexdigest()


def translated(error: OSError, where: str) -> CollectorError:
    """What a person should do about `error`, met at `where`."""
    reason = str(error) if error.errno is None else os.strerror(error.errno)
    if error.errno in _REFUSED:
        return SettingsError(
            f"{where} cannot be written: {reason}",
            advice="Give this user the right to read and write the lake, or name another with --lake.",
        )
    if error.errno in _IN_THE_WAY:
        return SettingsError(
            f"{where} is not what a lake needs there: {reason}",
            advice="Name a directory with --lake; it is created when it does not exist.",
        )
    if error.errno in NOT_SUPPORTED:
        return SettingsError(
            f"The file system of {where} refuses an operation that a lake needs: {reason}",
            advice="Put the lake on a local disk or another mount; `collector doctor` says what this one refuses.",
        )
    if error.errno in _FULL:
        return NotPublished(
            f"no room to write {where}: {reason}",
            advice="Free some space (collector prune drops old nights) and run the same command again: "
            "it continues where it stopped.",
        )
    return NotPublished(
        f"{where} could not be read or written: {reason}",
        advice="Mend the disk or the mount and run the same command again: it continues where it stopped.",
    )


@contextmanager
def translating(where: str | Path) -> Iterator[None]:
    """Turn an OSError of the block into the error that says what to do about it."""
    try:
        yield
    except OSError as error:
        raise translated(error, str(where)) from error


def make_directory(path: Path) -> list[Path]:
    """Create `path` and its missing parents with mode 0750, and return these; what exists keeps its mode."""
    missing: list[Path] = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(directory, DIRECTORY_MODE)
            os.chmod(directory, DIRECTORY_MODE)
        if not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    return missing


def make_file(path: Path) -> None:
    """Create an empty file of mode 0640, or empty the one that is there and give it that mode; a link is refused."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> bool:
    """Make the names in a directory survive a power cut; False where the file system has no such operation.

    Some network file systems have none, and keep names on their server; whoever insisted could not publish there at all.
    An error of the disk is raised.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # EBADF: the descriptor is in order, but some systems want one that is open for writing.
        if error.errno not in NOT_SUPPORTED | {errno.EBADF}:
            raise
        return False
    finally:
        os.close(descriptor)
    return True


class Storage:
    """The files under one root; every path given or returned is relative, with forward slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._files = fs.SubTreeFileSystem(str(self.root), fs.LocalFileSystem())

    def locate(self, path: str) -> Path:
        """Where a file is for a program that opens it by name."""
        return self.root / path

    @contextmanager
    def output(self, path: str) -> Iterator[HashingWriter]:
        """A new file of mode 0640 to write into; its directories are created.

        Raises NotPublished when the disk is full or failing, SettingsError when it may not be written.
        """
        with translating(self.locate(path)):
            make_directory(self.locate(path).parent)
            make_file(self.locate(path))
            sink = HashingWriter(self._files.open_output_stream(path))
            try:
                yield sink
            except BaseException:
                # A second failure while closing would hide the first, which is the one to report.
                with suppress(OSError):
                    sink.close()
                raise
            sink.close()

    @contextmanager
    def input(self, path: str) -> Iterator[pa.NativeFile]:
        """An existing file, open for reading at any position. Raises OSError as it comes."""
        with self._files.open_input_file(path) as stream:
            yield stream

    def read(self, path: str) -> bytes:
        """The whole of a small file. Raises FileNotFoundError when there is none."""
        with self.input(path) as stream:
            return bytes(stream.read())

    def sha256(self, path: str) -> str:
        """The hash of a file's bytes, as 64 hexadecimal digits."""
        digest = hashlib.sha256()
        with self.input(path) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def stat(self, path: str) -> StoredFile | None:
        """Size and time of a file, or None when there is no such file."""
        return _stored(self._files.get_file_info(path))

    def list(self, under: str = "", *, recursive: bool = True) -> list[StoredFile]:
        """What stands under a directory but directories, sorted by path; nothing when there is no such directory.

        Symbolic links are listed as not regular and never followed. Raises what `translated` makes of an OSError.
        """
        return sorted(self._walk(under, recursive=recursive), key=lambda item: item.path)

    def _walk(self, under: str, *, recursive: bool) -> Iterator[StoredFile]:
        directory = self.locate(under)
        if under and (directory.is_symlink() or (directory.exists() and not directory.is_dir())):
            yield StoredFile(under, 0, 0.0, regular=False)
            return
        try:
            with translating(directory), os.scandir(directory) as entries:
                found = list(entries)
        except CollectorError as error:
            cause = error.__cause__
            if isinstance(cause, FileNotFoundError | NotADirectoryError):
                return
            if not isinstance(cause, PermissionError):
                raise
            yield StoredFile(under, 0, 0.0, regular=False)
            return
        for entry in found:
            path = f"{under}/{entry.name}" if under else entry.name
            if entry.is_dir(follow_symlinks=False):
                if recursive:
                    yield from self._walk(path, recursive=True)
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                yield StoredFile(path, status.st_size, status.st_mtime, regular=stat.S_ISREG(status.st_mode))

    def settle(self, *paths: str) -> None:
        """Make written files and their names survive a power cut."""
        directories: set[Path] = set()
        for path in paths:
            with translating(self.locate(path)):
                sync_file(self.locate(path))
            directories.update(each for each in self.locate(path).parents if each.is_relative_to(self.root))
        for directory in sorted(directories, reverse=True):
            with translating(directory):
                sync_directory(directory)

    def replace(self, path: str, content: bytes) -> None:
        """Swap a file's content in one step: old or new for every reader, and after a power cut."""
        temporary = f"{path}.tmp"
        with self.output(temporary) as sink:
            sink.write(content)
        self.settle(temporary)
        with translating(self.locate(path)):
            os.replace(self.locate(temporary), self.locate(path))
            sync_directory(self.locate(path).parent)

    def rename(self, path: str, new: str) -> None:
        """Give a file another name, in the place of what has it; no such file is no error."""
        with translating(self.locate(path)), suppress(FileNotFoundError):
            os.replace(self.locate(path), self.locate(new))

    def delete(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""
        with translating(self.locate(path)), suppress(FileNotFoundError):
            self._files.delete_file(path)

    def delete_empty_directories(self, under: str, is_own: Callable[[str], bool]) -> None:
        """Remove the directories below `under` whose path `is_own` and in which nothing is left; follows no link."""
        if self.locate(under).is_symlink():
            return
        for directory, _, _ in os.walk(self.locate(under), topdown=False, followlinks=False):
            if is_own(Path(directory).relative_to(self.root).as_posix()):
                with suppress(OSError):
                    os.rmdir(directory)


def _stored(info: fs.FileInfo) -> StoredFile | None:
    if info.type != fs.FileType.File:
        return None
    return StoredFile(path=info.path, bytes=info.size, modified=info.mtime_ns / 1e9)

"""The files of a lake, reached by relative POSIX paths: the only module that imports pyarrow.fs.

Everything that is kept is read and written through one `Storage`. Today it is the local disk; an object store needs
another file system here, and its own `sync` and `replace` (a conditional put). The journal and the lock are local by
design and do not come here.

Two functions in the program replace a file in one step, because their files have different owners:
`Storage.replace` (with `rename` for a file that a library has written) those of the lake, whose names are known and
which nobody else writes, and `after_run/output_file.py` those that the user names, which may be links, pipes or
devices and keep their mode.

Rules for whoever edits this file:
* Directories have mode 0750 and files 0640 whatever the umask: they are created with a narrow mode and then
  widened by chmod.
* An OSError is translated here: what the disk refuses becomes `NotPublished` (the run can be resumed), what the
  permissions refuse becomes `SettingsError`.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from collector.errors import CollectorError, NotPublished, SettingsError

DIRECTORY_MODE = 0o750
FILE_MODE = 0o640

# How a file system refuses an operation that it does not know: to try again does not help.
NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV})


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


def make_directory(path: Path) -> list[Path]:
    """Create `path` and its missing parents with mode 0750, and return the created ones; others keep their mode."""
    missing = list(takewhile(lambda directory: not directory.is_dir(), [path, *path.parents]))
    for directory in reversed(missing):
        directory.mkdir(DIRECTORY_MODE, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
    return missing


@contextmanager
def _descriptor(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def make_file(path: Path) -> None:
    """Create an empty file of mode 0640, or truncate an existing one and give it that mode; refuse a symbolic link."""
    with _descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW) as descriptor:
        os.fchmod(descriptor, FILE_MODE)


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut."""
    with _descriptor(path, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)


def sync_directory(path: Path) -> bool:
    """Make the names in a directory survive a power cut, and return whether the file system can do that.

    Some network file systems cannot, because the names are on their server; a lake there can still be published. An
    error of the disk is raised.
    """
    with _descriptor(path, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        try:
            os.fsync(descriptor)
        except OSError as error:
            # EBADF: some systems accept only a descriptor that is open for writing.
            if error.errno not in NOT_SUPPORTED | {errno.EBADF}:
                raise
            return False
    return True


class Storage:
    """The files below one root; every path given or returned is relative, with forward slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._files = fs.SubTreeFileSystem(str(self.root), fs.LocalFileSystem())

    def locate(self, path: str) -> Path:
        """Return the absolute path of a file, for a program that opens it by name."""
        return self.root / path

    @contextmanager
    def output(self, path: str) -> Iterator[HashingWriter]:
        """Open a new file of mode 0640 for writing; its directories are created.

        Raises NotPublished when the disk is full or fails, SettingsError when the file may not be written.
        """
        with translating(self.locate(path)):
            make_directory(self.locate(path).parent)
            make_file(self.locate(path))
            with self._files.open_output_stream(path) as stream:
                yield HashingWriter(stream)

    @contextmanager
    def input(self, path: str) -> Iterator[pa.NativeFile]:
        """Open an existing file for reading at any position. Raises OSError without translation."""
        with self._files.open_input_file(path) as stream:
            yield stream

    def read(self, path: str) -> bytes:
        """Return the content of a small file. Raises OSError without translation."""
        with self.input(path) as stream:
            return bytes(stream.read())

    def sha256(self, path: str) -> str:
        """Return the hash of a file's bytes, as 64 hexadecimal digits."""
        with self.input(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes, or None when there is no such file."""
        info = self._files.get_file_info(path)
        return info.size if info.type == fs.FileType.File else None

    def list(self, under: str) -> list[tuple[str, bool]]:
        """Return everything below a directory except directories, sorted by path; nothing when it does not exist.

        With each path stands whether it is a regular file, so neither a symbolic link, which is never followed, nor a
        directory that may not be read. Another OSError is raised as `translated` returns it.
        """
        directory = self.locate(under)
        if directory.is_symlink():
            return [(under, False)]
        paths: list[Path] = []

        def failed(error: OSError) -> None:
            if isinstance(error, PermissionError | NotADirectoryError):
                paths.append(Path(error.filename))
            elif not isinstance(error, FileNotFoundError):
                raise translated(error, str(error.filename)) from error

        for folder, directories, names in os.walk(directory, onerror=failed):
            paths += [Path(folder, name) for name in names]
            paths += [path for name in directories if (path := Path(folder, name)).is_symlink()]
        found = [(path.relative_to(self.root).as_posix(), path.is_file() and not path.is_symlink()) for path in paths]
        return sorted(found)

    def sync(self, *paths: str) -> None:
        """Make written files and their names survive a power cut."""
        directories: set[Path] = set()
        for path in paths:
            with translating(self.locate(path)):
                sync_file(self.locate(path))
            directories.update(parent for parent in self.locate(path).parents if parent.is_relative_to(self.root))
        for directory in sorted(directories, reverse=True):
            with translating(directory):
                sync_directory(directory)

    def replace(self, path: str, content: bytes) -> None:
        """Replace a file's content in one step: every reader sees the old or the new, also after a power cut."""
        temporary = f"{path}.tmp"
        with self.output(temporary) as sink:
            sink.write(content)
        self.sync(temporary)
        self.rename(temporary, path)
        self.sync(path)

    def rename(self, path: str, new: str) -> None:
        """Give a file the name `new`, in place of the file that has it."""
        with translating(self.locate(path)):
            os.replace(self.locate(path), self.locate(new))

    def delete(self, path: str) -> None:
        """Remove a file; one that does not exist is no error."""
        with translating(self.locate(path)), suppress(FileNotFoundError):
            self._files.delete_file(path)

    def delete_empty_directories(self, under: str, is_own: Callable[[str], object]) -> None:
        """Remove the empty directories below `under` whose path `is_own`, without following links."""
        if self.locate(under).is_symlink():
            return
        for directory, _, _ in os.walk(self.locate(under), topdown=False, followlinks=False):
            if is_own(Path(directory).relative_to(self.root).as_posix()):
                with suppress(OSError):
                    os.rmdir(directory)

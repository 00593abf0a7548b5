"""Files on the local disk: created with the modes of a lake, and made to survive a power cut.

Directories have mode 0750 and files 0640 whatever the umask: they are created with a narrow mode and then widened by
chmod. An OSError is raised as it is; `storage.translating` says what to do about it.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from collector.lake.storage import DIRECTORY_MODE, FILE_MODE, NOT_SUPPORTED


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


def sha256_of(path: Path) -> str:
    """Return the hash of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

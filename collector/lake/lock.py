"""One writer at a time: an flock on <lake>/.lock, held by collect, compact and prune.

The kernel releases the lock when its holder dies, however it dies, so a file left behind blocks nobody. The file itself
is deleted only by its holder, together with a lake that stayed empty. A process that had opened it by then would hold
the lock of a deleted file while another holds that of the next one, and therefore checks that its file still exists.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import LakeBusy, SettingsError
from collector.lake.storage import FILE_MODE, translating

FILE_NAME = ".lock"

# Linux: every lock that any process holds.
_LOCKS = Path("/proc/locks")


@contextmanager
def hold(root: Path, *, command: str, now: dt.datetime) -> Iterator[None]:
    """Hold the lock of a lake inside the block.

    Raises LakeBusy, with the holder, when another process has it; SettingsError when the file cannot be made or the
    file system has no locks.
    """
    path = root / FILE_NAME
    while True:
        with translating(path):
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+b", buffering=0)
        with file:
            _acquire(path, file.fileno())
            if not _is_at(path, file.fileno()):
                continue
            with translating(path):
                os.fchmod(file.fileno(), FILE_MODE)
                file.truncate(0)
                since = f"since {now:%Y-%m-%dT%H:%M:%SZ}"
                file.write(f"{command!r}, process {os.getpid()} on {socket.gethostname()}, {since}\n".encode())
            yield
            return


def _acquire(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LakeBusy(
            f"another run holds {path.parent}: {_who(descriptor)}",
            advice="Wait until it ends, or stop it; what it has collected is kept.",
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be locked: {error.strerror}",
            advice="Put the lake on a file system with locks (flock), such as a local disk.",
        ) from error


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def holder(root: Path) -> str | None:
    """Return who holds the lake now, for messages; None when nobody does, or the machine does not list its locks.

    The kernel's list is read: to try the lock would be more reliable, but could make a run that begins just then fail.
    """
    with suppress(OSError, IndexError), (root / FILE_NAME).open("rb") as file:
        inode = str(os.fstat(file.fileno()).st_ino)
        # 1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF; a line with -> waits for the one above it.
        locks = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines() if " FLOCK " in line]
        if any(each[1] == "FLOCK" and each[5].rpartition(":")[2] == inode for each in locks):
            return _who(file.fileno())
    return None


def _who(descriptor: int) -> str:
    """Return what the holder has written of itself: text for messages, which nothing depends on."""
    with suppress(OSError):
        if name := os.pread(descriptor, 4096, 0).decode(errors="replace").strip():
            return name
    return "a process that has not written its name yet"

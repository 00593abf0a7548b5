"""One writer at a time: an flock on <lake>/.lock, held by collect, compact and prune.

The kernel releases the lock when its holder dies, however it dies, so a file left behind blocks nobody. The file itself
is deleted only by its holder, together with a lake that stayed empty. A process that had opened it by then would hold
the lock of a deleted file while another holds that of the next one, and therefore checks that its file still exists.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from collector.errors import LakeBusy, SettingsError
from collector.lake.storage import FILE_MODE, translating

FILE_NAME = ".lock"

# Linux: every lock that any process holds.
_LOCKS = Path("/proc/locks")
_HELD = frozenset({errno.EAGAIN, errno.EACCES})


class Lock:
    """The lock of a lake, held inside `with`.

    Raises LakeBusy, with the holder, when another process has it; SettingsError when the file cannot be made or the
    file system has no locks.
    """

    def __init__(self, root: Path, *, command: str, now: dt.datetime) -> None:
        self._path = root / FILE_NAME
        self._command = command
        self._now = now
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        while self._descriptor is None:
            with translating(self._path):
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                self._acquire(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if self._file_exists(descriptor):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        return self

    def remove(self) -> None:
        """Delete the file of this lock, which stays held until the end of the block."""
        assert self._descriptor is not None, "only the holder may delete the file of a lock"
        self._path.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _file_exists(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _acquire(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise LakeBusy(
                    f"another run holds {self._path.parent}: {_who(descriptor)}",
                    advice="Wait until it ends, or stop it; what it has collected is kept.",
                ) from None
            raise SettingsError(
                f"{self._path} cannot be locked: {error.strerror}",
                advice="Put the lake on a file system with locks (flock), such as a local disk.",
            ) from error
        name = (
            f"{self._command!r}, process {os.getpid()} on {socket.gethostname()}, since {self._now:%Y-%m-%dT%H:%M:%SZ}"
        )
        with translating(self._path):
            os.fchmod(descriptor, FILE_MODE)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, name.encode() + b"\n", 0)


def holder(root: Path) -> str | None:
    """Return who holds the lake now, for messages; None when nobody does, or the machine does not list its locks.

    The kernel's list is read: to try the lock would be more reliable, but could make a run that begins just then fail.
    """
    try:
        descriptor = os.open(root / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        inode = os.fstat(descriptor).st_ino
        locks = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines() if " FLOCK " in line]
        # 1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF; a line with -> waits for the one above it.
        held = any(each[1] == "FLOCK" and each[5].rpartition(":")[2] == str(inode) for each in locks)
        return _who(descriptor) if held else None
    except (OSError, IndexError):
        return None
    finally:
        os.close(descriptor)


def _who(descriptor: int) -> str:
    """Return what the holder has written of itself: text for messages, which nothing depends on."""
    with suppress(OSError):
        if name := os.pread(descriptor, 4096, 0).decode(errors="replace").strip():
            return name
    return "a process that has not written its name yet"

"""One writer at a time: an flock on <lake>/.lock, held by collect, compact and prune.

The kernel gives the lock back when its holder dies, however it dies, so a file left behind blocks nobody. The
file itself is deleted only by its holder, with a lake that came to nothing. Whoever had opened it by then could hold
the lock of one file while another process holds that of the next, and therefore looks whether its file is still
there.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from collector.errors import LakeBusy, SettingsError
from collector.lake.storage import FILE_MODE, translating

FILE_NAME = ".lock"

# Linux: every lock that a process holds.
_LOCKS = Path("/proc/locks")
_HELD = frozenset({errno.EAGAIN, errno.EACCES})


class _Holder(msgspec.Struct, frozen=True):
    doing: str
    pid: int
    host: str
    since: str


class Lock:
    """Holds a lake from `with` to its end.

    Raises LakeBusy, saying who, when another process holds it; SettingsError when the file cannot be made or
    the file system has no locks.
    """

    def __init__(self, root: Path, *, doing: str, now: dt.datetime) -> None:
        self._path = root / FILE_NAME
        self._doing = doing
        self._now = now
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        while self._descriptor is None:
            with translating(self._path):
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                self._take(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if self._is_there(descriptor):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        return self

    def remove(self) -> None:
        """Delete the file of a lock that is held; it is held on until the end of the block."""
        assert self._descriptor is not None, "only the holder may delete the file of a lock"
        self._path.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _take(self, descriptor: int) -> None:
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
        holder = _Holder(self._doing, os.getpid(), socket.gethostname(), f"{self._now:%Y-%m-%dT%H:%M:%SZ}")
        with translating(self._path):
            os.fchmod(descriptor, FILE_MODE)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(holder) + b"\n", 0)


def holder(root: Path) -> str | None:
    """Who holds the lake just now, for telling only; None when nobody does, or this machine does not say.

    The kernel's list is read. To try the lock would be surer, and could make a run that begins just then give up.
    """
    try:
        descriptor = os.open(root / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        mine = os.fstat(descriptor).st_ino
        taken = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines() if " FLOCK " in line]
        # 1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF; a line with -> waits for the one above it.
        held = any(each[1] == "FLOCK" and each[5].rpartition(":")[2] == str(mine) for each in taken)
        return _who(descriptor) if held else None
    except (OSError, IndexError):
        return None
    finally:
        os.close(descriptor)


def _who(descriptor: int) -> str:
    try:
        holder = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=_Holder)
    except (OSError, msgspec.DecodeError):
        # The holder is between taking the lock and writing its name.
        return "it has not said who it is yet"
    return f"{holder.doing!r}, process {holder.pid} on {holder.host}, since {holder.since}"

"""The files that a command writes by name: a regular file is replaced whole, anything else is written to.

Everything that a person may name as an output goes through here: the files of a run (summary, message, metrics), `-o`, the
report and `init`. The lake's own files do not: their names are the program's, they are made durable together with their
directories (`lake/storage.py`) or filled by a library (the catalog).
"""

import errno
import io
import os
import re
import select
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# How long a named pipe may be without a reader: a reader that is started beside the command opens it within this time.
_NO_READER_S: Final = 5.0
# /proc/PID/fd/N and /dev/fd/N are names of something that is open already, also where that is a regular file.
_OPEN_ALREADY: Final = re.compile(r"(?:/proc/(?P<process>[^/]+)(?:/task/[^/]+)?|/dev)/fd/(?P<number>\d+)\Z")
_MOST_LINKS: Final = 40


@contextmanager
def replaced(path: Path, *, mode: int | None = None, write_timeout_s: float | None = None) -> Iterator[BinaryIO]:
    """Open `path` for new content: a regular file has the old content until the block ends and the new one after it.

    A file that was there keeps its mode, a new one gets `mode` (default: as the umask says). Of a symbolic link the target
    is replaced, and the link stays. A device, a pipe, a terminal or an open file (/dev/stdout) is written to; a write that
    takes longer than `write_timeout_s` fails. Raises OSError with `path` as its filename, and leaves nothing behind.
    """
    try:
        target = _without_links(path)
        found = _stat(target)
        if _OPEN_ALREADY.match(str(target)) or (found is not None and not stat.S_ISREG(found.st_mode)):
            with _written_to(target, found, write_timeout_s) as sink:
                yield sink
        else:
            with _replaced(target, found, mode) as sink:
                yield sink
    except OSError as error:
        error.filename = str(path)  # the caller's name, not that of the temporary file
        raise


def replace_file(path: Path, content: str, *, mode: int | None = None, write_timeout_s: float | None = None) -> None:
    """Make `content` (written as UTF-8) the content of `path`, as `replaced` does."""
    with replaced(path, mode=mode, write_timeout_s=write_timeout_s) as sink:
        sink.write(content.encode("utf-8", "backslashreplace"))


def read_regular(path: Path) -> str:
    """The text of a regular file; empty for what is none, because to read a pipe or a device may never end."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def _without_links(path: Path) -> Path:
    """The path that the links lead to, whether something is there or not; links below /proc are not followed, because they
    may lead to what has no path.
    """
    for _ in range(_MOST_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if _OPEN_ALREADY.match(str(path)) or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


@contextmanager
def _replaced(target: Path, found: os.stat_result | None, mode: int | None) -> Iterator[BinaryIO]:
    # The name begins with a dot and has another ending, so that whoever collects *.prom files never reads half a file.
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        os.chmod(temporary, _mode(found, mode))
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(found: os.stat_result | None, mode: int | None) -> int:
    if found is not None:
        return found.st_mode & 0o777
    if mode is not None:
        return mode
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _written_to(target: Path, found: os.stat_result | None, timeout_s: float | None) -> Iterator[BinaryIO]:
    raw = _Stream(_opened(target, found), timeout_s)
    try:
        sink = io.BufferedWriter(raw)
        yield sink
        sink.flush()
    finally:
        raw.close()  # before the buffer: what could not be written is not tried a second time


def _opened(target: Path, found: os.stat_result | None) -> int:
    own = _own_descriptor(target)
    if own is not None:
        return os.dup(own)  # shares its position: opened anew, a regular file would be written from its beginning
    # O_APPEND: an open file of another process is a log more often than not. O_NONBLOCK: to open must not wait forever.
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    ends_at = time.monotonic() + _NO_READER_S
    while True:
        try:
            return os.open(target, flags)
        except OSError as error:
            if error.errno != errno.ENXIO or found is None or not stat.S_ISFIFO(found.st_mode):
                raise
            if time.monotonic() > ends_at:
                raise OSError(errno.ENXIO, "no process reads this pipe") from None
        time.sleep(0.05)


def _own_descriptor(target: Path) -> int | None:
    """The descriptor of this process that `target` names, None when it names none."""
    match = _OPEN_ALREADY.match(str(target))
    if match is None or match["process"] not in (None, "self", "thread-self", str(os.getpid())):
        return None
    return int(match["number"])


class _Stream(io.RawIOBase):
    """Writes to something that may take nothing for a while, such as a pipe whose reader is slow."""

    def __init__(self, descriptor: int, timeout_s: float | None) -> None:
        self._descriptor = descriptor
        self._timeout_ms = None if timeout_s is None else timeout_s * 1000
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        while True:
            if not self._ready.poll(self._timeout_ms):
                raise TimeoutError(errno.ETIMEDOUT, "nothing reads what is written to it")
            # As much as a pipe that is ready takes at once, so that a descriptor that blocks does not block here.
            piece = memoryview(data)[: select.PIPE_BUF]
            with suppress(BlockingIOError):
                return os.write(self._descriptor, piece)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()

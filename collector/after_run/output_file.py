"""Files that a command writes by name: a regular file is replaced in one step, anything else is written to.

Every output file that a person may name is written here: the files of a run (summary, message, metrics), `-o`, the
report and `init`. The lake's own files are not: they are made durable with their directories (`lake/storage.py`).
"""

import errno
import io
import os
import re
import secrets
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# How long a named pipe may be without a reader; one that is started with the command opens it within this time.
_NO_READER_S: Final = 5.0
# /proc/PID/fd/N and /dev/fd/N name something that is open already, even where that is a regular file.
_OPEN_ALREADY: Final = re.compile(r"(?:/proc/(?P<process>[^/]+)(?:/task/[^/]+)?|/dev)/fd/(?P<number>\d+)\Z")
_MAX_LINKS: Final = 40


@contextmanager
def replaced(path: Path, *, mode: int | None = None, write_timeout_s: float | None = None) -> Iterator[BinaryIO]:
    """Open `path` for new content: a regular file keeps the old content until the block ends and has the new one then.

    An existing file keeps its mode, a new one gets `mode` (default: by the umask). Of a symbolic link the target is
    replaced. A device, a pipe, a terminal or an open file (/dev/stdout) is written to; a write that takes longer than
    `write_timeout_s` fails. Raises OSError with `path` as its filename, and leaves nothing behind.
    """
    try:
        target = _without_links(path)
        written = _OPEN_ALREADY.match(str(target)) or (target.exists() and not target.is_file())
        with _written(target, write_timeout_s) if written else _replaced(target, mode) as file:
            yield file
    except OSError as error:
        error.filename = str(path)  # the caller's name, not that of the temporary file
        raise


def replace_file(path: Path, content: str, *, mode: int | None = None, write_timeout_s: float | None = None) -> None:
    """Make `content`, encoded as UTF-8, the content of `path`, as `replaced` does."""
    with replaced(path, mode=mode, write_timeout_s=write_timeout_s) as file:
        file.write(content.encode("utf-8", "backslashreplace"))


def _without_links(path: Path) -> Path:
    """Return the path that the links lead to. Links below /proc are not followed: they may lead to what has no path."""
    for _ in range(_MAX_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if _OPEN_ALREADY.match(str(path)) or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


@contextmanager
def _replaced(target: Path, mode: int | None) -> Iterator[BinaryIO]:
    if target.exists():
        mode = target.stat().st_mode & 0o777
    # A leading dot and another extension, so that a collector of *.prom files never reads an unfinished one.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb", opener=partial(os.open, mode=0o666 if mode is None else mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.fchmod(file.fileno(), mode)  # regardless of the umask
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def _written(target: Path, timeout_s: float | None) -> Iterator[BinaryIO]:
    raw = _TimedWriter(_open(target), "wb")
    raw.timeout_s = timeout_s
    try:
        file = io.BufferedWriter(raw)
        yield file
        file.flush()
    finally:
        raw.close()  # before the buffer: what could not be written is not tried a second time


def _open(target: Path) -> int:
    open_already = _OPEN_ALREADY.match(str(target))
    if open_already and open_already["process"] in (None, "self", "thread-self", str(os.getpid())):
        # A duplicate shares the position: a regular file that is opened again would be written from its beginning.
        return os.dup(int(open_already["number"]))
    ends_at = time.monotonic() + _NO_READER_S
    while True:
        try:
            # O_APPEND: an open file of another process is usually a log. O_NONBLOCK: opening must not wait forever.
            return os.open(target, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO or not target.is_fifo():
                raise
            if time.monotonic() > ends_at:
                raise OSError(errno.ENXIO, "no process reads this pipe") from None
        time.sleep(0.05)


class _TimedWriter(io.FileIO):
    """Writes to what may accept nothing for a while, such as a pipe with a slow reader."""

    timeout_s: float | None

    def write(self, data: "ReadableBuffer", /) -> int:
        # As much as a pipe that is ready accepts at once, so that a blocking descriptor does not block here.
        piece = memoryview(data)[: select.PIPE_BUF]
        while select.select([], [self], [], self.timeout_s)[1]:
            if (count := super().write(piece)) is not None:  # None: it would block
                return count
        raise TimeoutError(errno.ETIMEDOUT, "nothing reads what is written to it")

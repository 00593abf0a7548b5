"""stdin, stdout and stderr of the process: a failed write to stderr is dropped, a failed write to stdout is an error.

The rule applies to log lines, the progress display, warnings and tracebacks of threads: all are written to sys.stderr.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class StdoutError(OSError):
    """A write to stdout failed (`> FILE` on a full disk); everything written to it afterwards is dropped."""

    def __str__(self) -> str:
        return f"The output could not be written: {self.strerror}."

    @property
    def reader_left(self) -> bool:
        """True when the reader of a pipe has ended (`| head`)."""
        return self.errno in (errno.EPIPE, errno.ECONNRESET)


class _Output(io.FileIO):
    """stdout or stderr, whose writes block even where another process that shares it has made it non-blocking."""

    _failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._failed:
            return memoryview(data).nbytes
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])
            return written
        except OSError as error:
            if self.fileno() == 2:  # stderr
                return memoryview(data).nbytes
            self._failed = True
            raise StdoutError(error.errno, error.strerror) from error


def prepare_streams() -> None:
    """Set the three streams of this process; must be called before any file is opened."""
    for number in range(3):
        # /dev/null takes the place of a descriptor that is closed (`2>&-`). Otherwise the next file that is opened
        # would get its number, and with it whatever a library writes to stderr.
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, so this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # as in arguments; what cannot use such a text says so
    sys.stdout = _text_stream(1, sys.stdout)
    sys.stderr = _text_stream(2, sys.stderr)


def _text_stream(descriptor: int, previous: TextIO | None) -> TextIO:
    """Return a buffered text stream with the encoding that Python chose for the previous one."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(descriptor, "wb", closefd=False)),
        encoding=previous.encoding if previous else "utf-8",
        errors="backslashreplace",  # a name that the encoding lacks is shown escaped instead of ending the program
        line_buffering=bool(previous.line_buffering) if previous else True,
    )

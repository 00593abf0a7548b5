"""The journal of replies: the only durable progress of a run.

One JSON text per line after its CRC-32, appended before the frontier is fed, so that the state of the frontier can be
built again by reading the lines from the first to the last valid one. A torn or damaged line ends the reading: later
replies may answer requests that only the lost one revealed, so they are cut off and asked for again. Nothing here holds
a secret; redaction comes before `append`.

Line 1 is a `Header`; then `Answered`, `Failed` and `Resumed` lines in the order in which they were fed.
"""

import errno
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Self
from zlib import crc32

import msgspec

from collector.crawl.fetch_result import Answered, Failed
from collector.errors import CollectorError, NotPublished, SettingsError

# Format 2 nests the failure in `Failed` lines and calls `repaired` what was `marked`.
FORMAT = 2
FILE_NAME = "journal.jsonl"
_MODE = 0o640
# The errors of a file system that does not have an operation at all.
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Abandoned(msgspec.Struct, frozen=True):
    """A run that is not resumed, and why."""

    run_id: str
    why: str


class Header(msgspec.Struct, frozen=True, tag="header"):
    """What the run was begun with; a run with another fingerprint is another run."""

    format: int
    run_id: str
    started_at: datetime
    fingerprint: str
    abandoned: tuple[Abandoned, ...] = ()


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The run was resumed."""

    at: datetime


Line = Header | Resumed | Answered | Failed

_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], Line] = msgspec.json.Decoder(Line).decode


class Journal:
    """An open journal, made by `create` or `resume`."""

    def __init__(self, path: Path, file: IO[bytes], header: Header) -> None:
        self.path = path
        self.header = header
        self._file = file

    @classmethod
    def create(cls, path: Path, header: Header) -> Self:
        """Begin a journal.

        Raises NotPublished when the disk is full, SettingsError when it cannot make a file durable, FileExistsError
        when there is one.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        os.fchmod(descriptor, _MODE)
        journal = cls(path, os.fdopen(descriptor, "r+b", buffering=0), header)
        try:
            journal.append(header)
            journal.sync()
        except CollectorError:
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: Path) -> Self | None:
        """Open a journal for replay and further appending; None when its header cannot be read."""
        header = read_header(path)
        return None if header is None else cls(path, path.open("r+b", buffering=0), header)

    def replay(self, accept: Callable[[Line], bool]) -> int:
        """Pass the valid lines after the header to `accept`, in order, and return how many it accepted.

        Whatever follows the last accepted line is cut off: a damaged line, one that `accept` refuses, and all behind
        it.
        """
        valid_bytes = accepted = 0
        with self.path.open("rb") as reader:
            for raw in reader:
                line = parse(raw)
                if line is None:
                    break
                if not isinstance(line, Header):
                    if not accept(line):
                        break
                    accepted += 1
                valid_bytes += len(raw)
        self._file.truncate(valid_bytes)
        self._file.seek(valid_bytes)
        return accepted

    def append(self, *lines: Line) -> None:
        """Write lines. Raises NotPublished when the disk does not take them."""
        data = memoryview(b"".join(map(render, lines)))
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise _cannot_write(self.path, error) from None

    def sync(self) -> None:
        """Make what was appended survive a power cut; a kill needs no sync."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def render(line: Line) -> bytes:
    """Return a line as bytes of the file."""
    # Only a body, which is kept as Buddy sent it, can hold a newline, and only between tokens, not in a string.
    return _framed(_encode(line).replace(b"\n", b" "))


def parse(raw: bytes) -> Line | None:
    """Return the line that `raw` holds, None when it is torn or damaged."""
    text = raw[9:-1]
    try:
        return _decode(text) if raw == _framed(text) else None
    except msgspec.MsgspecError:
        return None


def _framed(text: bytes) -> bytes:
    """Return the CRC-32 in eight hex digits, a space, the text and a newline."""
    return b"%08x %b\n" % (crc32(text), text)


def read_header(path: Path) -> Header | None:
    """Return the header of a journal of any format, None when it cannot be read."""
    with path.open("rb") as reader:
        line = parse(reader.readline())
    return line if isinstance(line, Header) else None


def _cannot_write(path: Path, error: OSError) -> CollectorError:
    if error.errno in _NOT_SUPPORTED:
        return SettingsError(
            f"The file system of {path} does not support an operation that a journal needs: {error.strerror}",
            "Put the lake on a local disk or another mount; `collector doctor` names what this one lacks.",
        )
    return NotPublished(
        f"The journal {path} could not be written: {error.strerror}",
        "Free some space on the disk, then run `collector collect` again: it continues this run.",
    )

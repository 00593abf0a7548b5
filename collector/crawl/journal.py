"""The journal of replies: the only durable progress of a run.

One JSON text per line behind its CRC-32, appended before the frontier is fed, so whatever the frontier knows can be had
again by reading the lines from the first to the last sound one. A torn or damaged line ends the reading: later replies may
answer requests that only the lost one revealed, so they are cut off and asked for again. Nothing here holds a secret;
redaction comes before `append`.

Line 1 is a `Header`; then `Answered`, `Failed` and `Resumed` lines in the order in which they were fed.
"""

import errno
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from zlib import crc32

import msgspec

from collector.buddy.requests import Request
from collector.errors import CollectorError, NotPublished, SettingsError

FORMAT = 1
FILE_NAME = "journal.jsonl"
_MODE = 0o640
_CRC_DIGITS = 8
# What a file system answers that does not know an operation at all.
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_READ_AHEAD = 1 << 20  # a reply is larger than what Python reads at a time by itself


class Abandoned(msgspec.Struct, frozen=True):
    """A run that was not taken up again, and why."""

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
    """The run was taken up again."""

    at: datetime


class RequestCost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one settled request cost, with the waiting since the one before; the sum over a journal is the run's cost."""

    attempts: int = 1
    refusals: int = 0
    bytes_received: int = 0
    paced_seconds: float = 0.0
    paused_seconds: float = 0.0


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """Buddy's reply to a request, redacted; `marked` where marks stand in it for what were no characters."""

    request: Request
    at: datetime
    cost: RequestCost
    body: msgspec.Raw
    marked: bool = False


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request that was given up."""

    request: Request
    first_seen_at: datetime
    last_seen_at: datetime
    cost: RequestCost
    kind: str
    message: str
    http_status: int | None = None
    raw: str | None = None


Entry = Answered | Failed
Line = Header | Resumed | Answered | Failed

_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], Line] = msgspec.json.Decoder(Header | Resumed | Answered | Failed).decode


class Journal:
    """An open journal. Made by `create` or `resume`; `append` puts lines on disk in one write."""

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
            journal.append([header])
            journal.sync()
        except CollectorError:
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: Path) -> Self | None:
        """Open a journal for replay and further appending; None when not even its header can be read."""
        header = read_header(path)
        return None if header is None else cls(path, path.open("r+b", buffering=0), header)

    def replay(self, take: Callable[[Line], bool]) -> int:
        """Hand the sound lines after the header to `take`, in order, and return how many were taken.

        Whatever follows the last taken line is cut off: a damaged line, one that `take` refuses, and all behind it.
        """
        sound = taken = 0
        with self.path.open("rb", buffering=_READ_AHEAD) as reader:
            for raw in reader:
                line = parse(raw)
                if line is None:
                    break
                if not isinstance(line, Header):
                    if not take(line):
                        break
                    taken += 1
                sound += len(raw)
        self._file.truncate(sound)
        self._file.seek(sound)
        return taken

    def append(self, lines: Sequence[Line]) -> None:
        """Write lines in order, whole. Raises NotPublished when the disk won't take them."""
        data = memoryview(b"".join([render(line) for line in lines]))
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def render(line: Line) -> bytes:
    """Return a line as it stands in the file: CRC-32 in hex, a space, JSON, a newline."""
    # Only a body, which is kept as Buddy sent it, can hold a newline, and only between tokens: JSON has none in a string.
    text = _encode(line).replace(b"\n", b" ")
    return b"%08x %b\n" % (crc32(text), text)


def parse(raw: bytes) -> Line | None:
    """Return the line that `raw` holds, None when it is torn or damaged."""
    if not raw.endswith(b"\n") or raw[_CRC_DIGITS : _CRC_DIGITS + 1] != b" ":
        return None
    text = raw[_CRC_DIGITS + 1 : -1]
    if raw[:_CRC_DIGITS] != b"%08x" % crc32(text):
        return None
    try:
        return _decode(text)
    except msgspec.MsgspecError:
        return None


def read_header(path: Path) -> Header | None:
    """Return the header of a journal, None when there is none that this version understands."""
    with path.open("rb") as reader:
        line = parse(reader.readline())
    return line if isinstance(line, Header) and line.format == FORMAT else None


def _cannot_write(path: Path, error: OSError) -> CollectorError:
    if error.errno in _NOT_SUPPORTED:
        return SettingsError(
            f"The file system of {path} refuses an operation that a journal needs: {error.strerror}",
            "Put the lake on a local disk or another mount; `collector doctor` says what this one refuses.",
        )
    return NotPublished(
        f"The journal {path} could not be written: {error.strerror}",
        "Make room on the disk, then run `collector collect` again: it continues this run.",
    )

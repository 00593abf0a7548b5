"""Laws of the journal: what was appended is read again, and damage costs only the lines after it."""

import os
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.classify import Failure
from collector.crawl.fetch_result import Answered, Failed, RequestCost
from collector.crawl.journal import FORMAT, Abandoned, Header, Journal, Line, Resumed, parse, read_header, render
from collector.errors import NotPublished
from tests.request_builders import action_request, projects_request, workspaces_request

AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
HEADER = Header(FORMAT, "20261123T021500Z-7f3a9c", AT, "f" * 16, (Abandoned("old", "too old"),))
COST = RequestCost(2, 1, 300, 0.5, 1.25)
LINES: list[Line] = [
    Answered(workspaces_request("us"), AT, COST, msgspec.Raw(b'{"workspaces":[{"domain":"acme"}]}')),
    Failed(
        projects_request("us", "acme"),
        AT,
        AT + timedelta(seconds=1),
        RequestCost(),
        Failure("timeout", 504, "m", "é\nraw"),
    ),
    Resumed(AT + timedelta(hours=1)),
    Answered(action_request("us", "a", "b", -7, 9), AT, RequestCost(), msgspec.Raw('{"name":"équipe\\n"}'.encode())),
]


def seen_in(line: Line) -> Any:
    """A line as a value that compares: the body of an answer decoded."""
    if isinstance(line, Answered):
        return ("answered", line.request, line.at, line.cost, msgspec.json.decode(line.body), line.repaired)
    return line


def held(path: Path) -> list[Any]:
    """What a journal replays, as values; it is cut to that."""
    taken: list[Any] = []

    def take(line: Line) -> bool:
        taken.append(seen_in(line))
        return True

    journal = Journal.resume(path)
    assert journal is not None
    with journal:
        assert journal.replay(take) == len(taken)
    return taken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small journal."""
    path = tmp_path / "journal.jsonl"
    with Journal.create(path, HEADER) as journal:
        for line in LINES:
            journal.append(line)
    return path


def test_what_was_appended_is_replayed(path: Path) -> None:
    """Every line comes back as it was appended, in order, behind the header, and replaying changes nothing."""
    before = path.read_bytes()
    assert held(path) == [seen_in(line) for line in LINES]
    assert path.read_bytes() == before
    assert read_header(path) == HEADER
    journal = Journal.resume(path)
    assert journal is not None
    with journal:
        assert journal.header == HEADER


def test_a_cut_anywhere_leaves_the_whole_lines_before_it(path: Path) -> None:
    """Wherever a journal is cut, its complete lines are replayed, the torn one is removed, and appending continues."""
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == 1 + len(LINES)
    expected = [seen_in(line) for line in LINES]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        sound = sum(end <= cut for end in ends)
        if sound == 0:
            assert Journal.resume(path) is None
            continue
        journal = Journal.resume(path)
        assert journal is not None
        with journal:
            assert journal.replay(lambda line: True) == sound - 1
            journal.append(LINES[0])
        assert path.read_bytes() == whole[: ends[sound - 1]] + whole[ends[0] : ends[1]]
        assert held(path) == [*expected[: sound - 1], expected[0]]


def test_a_damaged_byte_anywhere_ends_the_journal_there(path: Path) -> None:
    """Whichever byte is changed, the lines before its own are replayed and no others."""
    whole = path.read_bytes()
    lengths = [len(line) for line in whole.splitlines(keepends=True)]
    expected = [seen_in(line) for line in LINES]
    for place in range(len(whole)):
        for flip in (0x01, 0x20, 0xFF):
            damaged = bytearray(whole)
            damaged[place] ^= flip
            path.write_bytes(damaged)
            number = next(n for n in range(len(lengths)) if place < sum(lengths[: n + 1]))
            if number == 0:
                assert Journal.resume(path) is None
                continue
            assert held(path) == expected[: number - 1], (place, flip)
            assert path.stat().st_size == sum(lengths[:number])


def test_a_line_that_is_refused_ends_the_journal_there(path: Path) -> None:
    """A line the taker doesn't take is cut off with all behind it."""
    journal = Journal.resume(path)
    assert journal is not None
    with journal:
        assert journal.replay(lambda line: not isinstance(line, Resumed)) == 2
    assert held(path) == [seen_in(line) for line in LINES[:2]]


@pytest.mark.parametrize("body", [b'{\n "a": [\n1,\r\n 2.50]\n}\n', b'{"a":18446744073709551616,"b":1e5}', b" {} "])
def test_a_body_is_kept_as_it_was_sent(body: bytes) -> None:
    """White space in a body doesn't break the line, and its numbers and texts are those that were sent."""
    line = render(Answered(workspaces_request("us"), AT, RequestCost(), msgspec.Raw(body)))
    assert line.count(b"\n") == 1
    parsed = parse(line)
    assert isinstance(parsed, Answered)
    assert bytes(parsed.body).split() == body.split()


TEXTS = st.text(max_size=20)


@given(TEXTS, TEXTS, st.none() | TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(0, 1e9))
def test_any_line_is_read_as_it_was_written(name: str, message: str, raw: str | None, key: int, seconds: float) -> None:
    """With any text in a name, a message or a raw text, one line is written and the same value read."""
    failed = Failed(
        action_request("us", name, name, key, key),
        AT,
        AT,
        RequestCost(1, 0, 9, seconds),
        Failure("gone", 404, message, raw),
    )
    line = render(failed)
    assert line.count(b"\n") == 1
    assert parse(line) == failed
    body = msgspec.json.encode({"a": [message, raw, seconds]})
    answered = Answered(projects_request("us", name), AT, RequestCost(), msgspec.Raw(body), repaired=key % 2 == 0)
    parsed = parse(render(answered))
    assert parsed is not None
    assert seen_in(parsed) == seen_in(answered)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"00000000 \n", b"00000000 {}\n", render(HEADER)[:-1], render(HEADER).replace(b" ", b"  ", 1),
     render(HEADER).upper(), b"x" * 5000 + b"\n"],
)  # fmt: skip
def test_what_is_no_line_is_none(raw: bytes) -> None:
    """Text without its sum, its newline or its form is no line, and no error."""
    assert parse(raw) is None


def test_a_sound_line_that_says_nothing_known_is_none() -> None:
    """A line with a correct checksum but unknown content is refused."""
    text = b'{"type":"novel","x":1}'
    assert parse(b"%08x %b\n" % (crc32(text), text)) is None


def test_a_journal_begins_with_its_header(tmp_path: Path) -> None:
    """The header of any format is read, so that a reason can be given; a first line that is no header is none."""
    path = tmp_path / "j"
    other = msgspec.structs.replace(HEADER, format=FORMAT + 1)
    path.write_bytes(render(other))
    assert read_header(path) == other
    path.write_bytes(render(LINES[0]))
    assert read_header(path) is None
    assert Journal.resume(path) is None


def test_a_journal_is_begun_once(path: Path) -> None:
    """Creating where there is a journal already fails, and leaves it alone."""
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        Journal.create(path, HEADER)
    assert path.read_bytes() == before


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_mode_is_0640_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Only owner and group can read the journal, under any umask."""
    before = os.umask(umask)
    try:
        with Journal.create(tmp_path / "j", HEADER) as journal:
            assert stat.S_IMODE(journal.path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


# Coverage's own file would not fit under the limit either.
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
FULL_DISK = """
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from collector.crawl.journal import FORMAT, Header, Journal, Resumed
    from collector.errors import NotPublished

    at = datetime(2026, 11, 23, tzinfo=UTC)
    path, limit = Path(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with Journal.create(path, Header(FORMAT, "r", at, "f")) as journal:
            appended = 0
            while True:
                journal.append(Resumed(at))
                appended += 1
    except NotPublished as error:
        print(appended if "appended" in globals() else -1, error.exit_code, str(path) in str(error), bool(error.advice))
"""


@pytest.mark.parametrize("limit", [0, 50, 150, 1000, 1001, 1017])
def test_a_full_disk_ends_the_run_and_loses_nothing_appended(tmp_path: Path, limit: int) -> None:
    """When the disk is full, the error says which file and what to do, and every line appended before is kept."""
    path = tmp_path / "j"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FULL_DISK), str(path), str(limit)],
        capture_output=True, text=True, timeout=30, check=True, env=UNMEASURED,
    )  # fmt: skip
    appended, *rest = done.stdout.split()
    assert rest == ["3", "True", "True"]
    assert done.stderr == ""
    if appended == "-1":
        assert read_header(path) is None
        return
    # The last line was cut somewhere: a torn one does not count.
    assert int(appended) <= len(held(path)) <= int(appended) + 1
    assert len(held(path)) > 0 or limit < 200


class Reluctant:
    """A raw file that takes a few bytes at a time and fails once it holds `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = b""

    def write(self, data: memoryview) -> int:
        """Take up to seven bytes."""
        if len(self.held) >= self.most:
            raise OSError(28, "No space left on device")
        took = bytes(data[:7])
        self.held += took
        return len(took)


def test_a_short_write_is_written_on() -> None:
    """When the disk takes only a part, the rest is written after it, and lines are complete."""
    file = Reluctant(10**6)
    Journal(Path("j"), file, HEADER).append(LINES[0])  # type: ignore[arg-type]
    assert file.held == render(LINES[0])


def test_no_space_left_is_a_run_that_can_be_resumed() -> None:
    """A disk that is full in the middle of a line is NotPublished, in the system's own words."""
    with pytest.raises(NotPublished, match="No space left on device") as caught:
        Journal(Path("j"), Reluctant(20), HEADER).append(LINES[0])  # type: ignore[arg-type]
    assert caught.value.exit_code == 3

"""After a night: what is written, posted and tidied, through the command line; and that none of it can fail the night."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.after_run import output_file
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.lake import Lake
from tests.after_run.chat import Chat, chat
from tests.cli.conftest import Program, program
from tests.worlds import early_in_a_window

__all__ = ["chat", "program"]

pytestmark = pytest.mark.usefixtures("no_catalog")
WORLD = FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3)
FILES = ("--summary-file", "s.json", "--message-file", "m.md", "--metrics-file", "c.prom")


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def environ(buddy: FakeBuddy) -> dict[str, str]:
    return {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}


def metric(path: Path, name: str) -> float:
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return next(sample.value for family in families for sample in family.samples if sample.name == name)


def test_everything_is_told(program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path) -> None:
    """One line on stdout; summary, message and metrics agree with the lake; the webhook gets the message, no token."""
    said = program("collect", *FILES, "--notify-url", chat.url.reveal(), environ=environ(buddy))
    assert said.code == 0, said.err
    assert said.out.count("\n") == 1
    summary = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    manifest = Lake.open(tmp_path / "lake").manifest
    assert manifest.latest is not None
    assert (summary["run_id"], summary["status"], summary["exit_code"]) == (manifest.latest.run_id, "complete", 0)
    assert summary["newest_run_id"] == summary["run_id"]
    assert summary["lake_bytes"] == sum(e.bytes for entries in manifest.tables.values() for e in entries)
    assert metric(tmp_path / "c.prom", "collector_lake_bytes") == summary["lake_bytes"]
    message = (tmp_path / "m.md").read_text(encoding="utf-8")
    assert message.startswith(f"**Buddy promotions {summary['run_date']}: complete")
    ((_, headers, body),) = chat.came
    assert body["text"] == message.replace("<", "‹").replace(">", "›")
    assert body["summary"] == summary
    assert buddy.token not in json.dumps([headers, body]) + message + said.err
    assert "very-secret" not in said.err + said.out
    assert sorted(each.name for each in tmp_path.iterdir()) == ["c.prom", "lake", "m.md", "s.json"]


def test_a_night_that_publishes_nothing_is_told_too(
    program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path
) -> None:
    """The exit code stays; the message says what happened and what to do; the metrics keep the last success."""
    program("collect", *FILES, environ=environ(buddy))
    before = metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds")
    buddy.script.add(Fault("status", code=401, times=None))
    said = program("collect", *FILES, "--notify-url", chat.url.reveal())
    assert said.code == 4
    assert metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds") == before
    assert metric(tmp_path / "c.prom", "collector_last_run_exit_code") == 4
    summary = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["exit_code"], summary["run_id"]) == ("not_published", 4, None)
    assert "token" in summary["advice"]
    assert "NOT PUBLISHED (exit code 4)" in (tmp_path / "m.md").read_text(encoding="utf-8")
    assert chat.came[0][2]["status"] == "not_published"


def test_a_night_that_cannot_begin_is_told_too(
    program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token's file is gone: files and webhook say that nothing was published and why, and keep the last success."""
    assert program("collect", *FILES, environ=environ(buddy)).code == 0
    success = metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds")
    monkeypatch.delenv("BUDDY_TOKEN")
    told = {"COLLECTOR_NOTIFY_URL": chat.url.reveal(), "BUDDY_TOKEN_FILE": "gone.token"}
    said = program("collect", *FILES, environ=told)
    assert said.code == 2
    summary = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["exit_code"]) == ("not_published", 2)
    assert "gone.token" in summary["message"]
    assert metric(tmp_path / "c.prom", "collector_last_run_exit_code") == 2
    assert metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds") == success
    ((_, _, body),) = chat.came
    assert "NOT PUBLISHED" in body["text"]
    program("collect", "--dry-run", *FILES)
    assert len(chat.came) == 1


def test_nothing_afterwards_fails_the_night(program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path) -> None:
    """Directories that are missing and a webhook that answers 500 are warnings; the night is published with 0."""
    chat.code = 500
    flags = ("--summary-file", "no/s.json", "--message-file", "no/m.txt", "--metrics-file", "no/c.prom")
    said = program("collect", *flags, "--notify-url", chat.url.reveal(), environ=environ(buddy))
    assert said.code == 0
    assert said.err.count("not done after the night") == 4
    assert "it answered 500" in said.err
    assert "very-secret" not in said.err
    assert list(tmp_path.iterdir()) == [tmp_path / "lake"]


def test_a_fault_of_the_program_is_told(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a night that ends in a bug leaves a summary that says so, without its words, and the exit code 3."""

    def bug(*_: object) -> None:
        raise RuntimeError("holds something private")

    monkeypatch.setattr("collector.run.collect.close", bug)
    assert program("collect", *FILES, environ=environ(buddy)).code == 3
    summary = (tmp_path / "s.json").read_text(encoding="utf-8")
    assert "RuntimeError" in summary
    assert "private" not in summary


@pytest.mark.parametrize(
    "url", ["http://chat.example.com/x", "ftp://chat/x", "chat.example.com", "https://u:p@h/x", "https://h/x#y"]
)
def test_addresses_that_are_refused(program: Program, url: str) -> None:
    """Only https, or this machine; a user name in it is refused; the address is not repeated."""
    said = program("collect", "--notify-url", url, environ={"BUDDY_TOKEN": "token-123456"})
    assert said.code == 2
    assert "--notify-url" in said.err
    assert url not in said.err


@pytest.mark.parametrize(
    ("flag", "value"), [("--message-file", "m.pdf"), ("--keep", "36h"), ("--keep", "soon"), ("--message-file", ".")]
)
def test_settings_that_are_refused(program: Program, flag: str, value: str) -> None:
    """A message file of no known format and a keeping time that is no number of days are said by name."""
    said = program("collect", flag, value, environ={"BUDDY_TOKEN": "token-123456"})
    assert said.code == 2
    assert flag in said.err


def test_the_file_may_say_it_all(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """The same settings in collector.toml, with paths relative to it."""
    (tmp_path / "collector.toml").write_text(
        'message_file = "m.txt"\nkeep = "400d"\ncompact = true\n', encoding="utf-8"
    )
    said = program("collect", environ=environ(buddy))
    assert said.code == 0
    assert (tmp_path / "m.txt").read_text(encoding="utf-8").startswith("Buddy promotions")
    assert "not done" not in said.err, said.err
    assert "tidied" in said.err


def test_the_morning_can_be_asked_again(program: Program, buddy: FakeBuddy) -> None:
    """`ask morning` answers from the lake what the message was made of."""
    program("collect", environ=environ(buddy))
    said = program("ask", "morning", "--format", "json")
    assert said.code == 0, said.err
    assert {row["part"] for row in json.loads(said.out)} >= {"night", "changed"}


def test_the_plan(program: Program, buddy: FakeBuddy) -> None:
    """Without an earlier night the plan says so; with one it is the very number that the next night takes."""
    first = program("collect", "--dry-run", environ=environ(buddy))
    assert first.code == 0
    assert "no earlier night" in first.out
    assert buddy.arrivals == []
    program("collect")
    spent = len(buddy.arrivals)
    plan = json.loads(program("collect", "--dry-run", "--format", "json").out)
    assert [each["requests"] for each in plan] == [spent]
    assert plan[0]["unknown"] == []
    assert len(buddy.arrivals) == spent
    said = program("collect", "--dry-run").out
    assert f"about {spent} requests" in said
    assert "nothing was sent" in said


@pytest.mark.parametrize("world", [FakeWorld(projects=20, pipelines=1, actions=20, awkward=False)])
def test_the_plan_counts_the_lists_that_may_be_cut_off(program: Program, world: FakeWorld) -> None:
    """Lists as long as a limit of Buddy's cost more than others, in the plan as in the night."""
    with FakeBuddy(world) as buddy:
        program("collect", environ=environ(buddy))
        spent = len(buddy.arrivals)
        assert spent == buddy.expected_minimum()
        (plan,) = json.loads(program("collect", "--dry-run", "--format", "json").out)
    assert plan["requests"] == spent


def test_the_plan_with_filters(program: Program, buddy: FakeBuddy) -> None:
    """Filters narrow the plan as they narrow the night; what was left out last night is called unknown."""
    program("collect", environ=environ(buddy))
    name = WORLD.projects("acme")[0]["name"]
    buddy.forget_arrivals()
    (plan,) = json.loads(program("collect", "--dry-run", "--format", "json", "-w", "acme", "-p", name).out)
    program("collect", "--lake", "filtered", "-w", "acme", "-p", name)
    assert plan["requests"] == len(buddy.arrivals)
    assert plan["asked"]["workspaces"] == 0
    (plan,) = json.loads(program("collect", "--lake", "filtered", "--dry-run", "--format", "json").out)
    assert any("skipped" in each for each in plan["unknown"])


def test_the_night_is_foretold(program: Program, tmp_path: Path) -> None:
    """From the second night on, the log says from the first reply what the budget will do to the night."""
    with FakeBuddy(WORLD, limit=500, window=60, clock_skew=early_in_a_window(60), latency=0.1) as buddy:
        assert "forecast" not in program("collect", environ=environ(buddy)).err
        spent = len(buddy.requests())
        said = program("collect", "--log-format", "json")
    lines = [json.loads(line) for line in said.err.splitlines()]
    (told,) = [line for line in lines if line["event"] == "forecast"]
    assert told["says"].startswith(f"the last night took {spent} requests; it fits in this window")
    assert told["run_id"] == next(line["run_id"] for line in lines if line["event"] == "started")


def test_a_late_night_is_foretold_as_a_warning(program: Program) -> None:
    """A night that will miss its time limit says so at its beginning, and so does doctor."""
    with FakeBuddy(WORLD) as buddy:
        program("collect", environ=environ(buddy))
    skew = early_in_a_window(100)
    with FakeBuddy(WORLD, limit=40, window=100, clock_skew=skew, token=buddy.token) as tight:
        looked = program("doctor", "--reserve", "30", "--max-duration", "10s", environ={"BUDDY_API_URL": tight.url})
    (budget,) = [line for line in looked.out.splitlines() if " budget:" in line]
    assert budget.startswith("warning")
    assert "will miss the deadline" in budget
    assert looked.code == 1


def test_growth_is_in_status(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """`status` says what the lake takes, and what a night adds: the files of that night, snapshots left out."""
    program("collect", environ=environ(buddy))
    (night,) = json.loads(program("status", "--format", "json").out)
    tables = Lake.open(tmp_path / "lake").manifest.tables
    nightly = sum(e.bytes for t, es in tables.items() if t not in ("last_known_actions", "action_state") for e in es)
    assert night["lake_bytes_per_night"] == night["bytes"] == nightly
    assert "KiB a night" in program("status").out


@pytest.mark.parametrize(("age", "code"), [("1h", 0), ("0.01s", 3)])
def test_status_is_an_exit_code(program: Program, tmp_path: Path, age: str, code: int) -> None:
    """--max-age: 0 fresh and complete, 1 fresh and partial, 3 stale or nothing published."""
    with FakeBuddy(WORLD.forbid(*next(WORLD.paths(("acme",))))) as buddy:
        program("collect", "--lake", "partial", environ=environ(buddy))
    with FakeBuddy(WORLD, token=buddy.token) as buddy:
        program("collect", environ=environ(buddy))
    assert program("status", "--max-age", age).code == code
    assert program("status", "--lake", "partial", "--max-age", "1h").code == 1


def test_what_is_no_regular_file_is_written_to(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of a run that are a device, a pipe nobody reads or a directory stay what they are; the run is published with
    its own exit code, and a warning names each.
    """
    monkeypatch.setattr(output_file, "_NO_READER_S", 0.1)
    (tmp_path / "s.json").symlink_to("/dev/full")
    os.mkfifo(tmp_path / "m.md")
    (tmp_path / "c.prom").mkdir()
    said = program("collect", *FILES, "--notify-url", "http://127.0.0.1:1/hook", environ=environ(buddy))
    assert (said.code, said.out.count(" complete: ")) == (0, 1), said.err
    warned = [line for line in said.err.splitlines() if "not done after the night" in line]
    assert len(warned) == 4
    for what, why in (
        ("s.json", "No space left"),
        ("m.md", "no process reads this pipe"),
        ("c.prom", "Is a directory"),
        ("notify", "could not be reached"),
    ):
        assert any(what in line and why in line for line in warned), said.err
    assert (tmp_path / "s.json").is_symlink()
    assert (tmp_path / "s.json").is_char_device()
    assert (tmp_path / "m.md").is_fifo()
    assert list((tmp_path / "c.prom").iterdir()) == []
    assert Lake.open(tmp_path / "lake").manifest.latest is not None


def test_a_device_as_summary_file_stays_a_device(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """`--summary-file` with the node of a device leaves the node, and with a pipe that is read gives the summary to it."""
    place = tmp_path / "pipe"
    os.mkfifo(place)
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert program("collect", "--summary-file", str(place), environ=environ(buddy)).code == 0
        assert json.loads(os.read(reader, 1 << 16))["status"] == "complete"
    finally:
        os.close(reader)
    assert place.is_fifo()
    if os.geteuid() == 0:
        node = tmp_path / "null"
        with suppress(PermissionError):  # root of a container without the right to make one
            os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        if node.exists():
            assert program("collect", "--summary-file", str(node)).code == 0
            assert node.is_char_device()

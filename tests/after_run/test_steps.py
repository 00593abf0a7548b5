"""The steps after a run, through the command line: what is written, posted and tidied; none of it can fail the run."""

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


def test_summary_message_metrics_and_webhook(program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path) -> None:
    """Stdout has one line; summary, message and metrics agree with the lake; the webhook gets the message, no token."""
    extra = ("--report-file", "r.html", "--notify-url", chat.url.reveal())
    said = program("collect", *FILES, *extra, environ=environ(buddy))
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
    ((_, headers, body),) = chat.received
    assert body["text"] == message.replace("<", "‹").replace(">", "›")
    assert body["summary"] == summary
    assert buddy.token not in json.dumps([headers, body]) + message + said.err
    assert "very-secret" not in said.err + said.out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert summary["run_id"] in page
    assert buddy.token not in page
    assert sorted(each.name for each in tmp_path.iterdir()) == ["c.prom", "lake", "m.md", "r.html", "s.json"]


def test_a_run_that_publishes_nothing(program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path) -> None:
    """The exit code is unchanged, the message says what happened and what to do, the metrics keep the last success."""
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
    assert chat.received[0][2]["status"] == "not_published"


def test_a_run_that_cannot_begin(
    program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its token file a run publishes nothing: files and webhook say so and why, and keep the last success."""
    assert program("collect", *FILES, environ=environ(buddy)).code == 0
    success = metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds")
    monkeypatch.delenv("BUDDY_TOKEN")
    changed = {"COLLECTOR_NOTIFY_URL": chat.url.reveal(), "BUDDY_TOKEN_FILE": "gone.token"}
    said = program("collect", *FILES, environ=changed)
    assert said.code == 2
    summary = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["exit_code"]) == ("not_published", 2)
    assert "gone.token" in summary["message"]
    assert metric(tmp_path / "c.prom", "collector_last_run_exit_code") == 2
    assert metric(tmp_path / "c.prom", "collector_last_success_timestamp_seconds") == success
    ((_, _, body),) = chat.received
    assert "NOT PUBLISHED" in body["text"]
    program("collect", "--dry-run", *FILES)
    assert len(chat.received) == 1


def test_no_step_fails_the_run(program: Program, buddy: FakeBuddy, chat: Chat, tmp_path: Path) -> None:
    """Missing directories and a webhook that answers 500 are warnings; the run is published with exit code 0."""
    chat.code = 500
    flags = ("--summary-file", "no/s.json", "--message-file", "no/m.txt", "--metrics-file", "no/c.prom")
    said = program("collect", *flags, "--notify-url", chat.url.reveal(), environ=environ(buddy))
    assert said.code == 0
    assert said.err.count("not done after the run") == 4
    assert "it answered 500" in said.err
    assert "very-secret" not in said.err
    assert list(tmp_path.iterdir()) == [tmp_path / "lake"]


def test_a_fault_of_the_program(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends with a bug leaves a summary that names its class and not its text, and exits 3."""

    def bug(*_: object) -> None:
        raise RuntimeError("holds something private")

    monkeypatch.setattr("collector.run.collect.finalize", bug)
    assert program("collect", *FILES, environ=environ(buddy)).code == 3
    summary = (tmp_path / "s.json").read_text(encoding="utf-8")
    assert "RuntimeError" in summary
    assert "private" not in summary


@pytest.mark.parametrize(
    "url", ["http://chat.example.com/x", "ftp://chat/x", "chat.example.com", "https://u:p@h/x", "https://h/x#y"]
)
def test_refused_webhook_addresses(program: Program, url: str) -> None:
    """Only https or this machine is accepted, without a user name; the error does not repeat the address."""
    said = program("collect", "--notify-url", url, environ={"BUDDY_TOKEN": "token-123456"})
    assert said.code == 2
    assert "--notify-url" in said.err
    assert url not in said.err


@pytest.mark.parametrize(
    ("flag", "value"), [("--message-file", "m.pdf"), ("--keep", "36h"), ("--keep", "soon"), ("--message-file", ".")]
)
def test_refused_settings(program: Program, flag: str, value: str) -> None:
    """A message file of unknown format and a retention time that is no number of days are errors that name the flag."""
    said = program("collect", flag, value, environ={"BUDDY_TOKEN": "token-123456"})
    assert said.code == 2
    assert flag in said.err


def test_settings_in_the_file(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """The same settings work in collector.toml, with paths relative to it."""
    (tmp_path / "collector.toml").write_text(
        'message_file = "m.txt"\nkeep = "400d"\ncompact = true\n', encoding="utf-8"
    )
    said = program("collect", environ=environ(buddy))
    assert said.code == 0
    assert (tmp_path / "m.txt").read_text(encoding="utf-8").startswith("Buddy promotions")
    assert "not done" not in said.err, said.err
    assert "tidied" in said.err


def test_the_question_behind_the_message(program: Program, buddy: FakeBuddy) -> None:
    """`ask morning` gives the rows of the message."""
    program("collect", environ=environ(buddy))
    said = program("ask", "morning", "--format", "json")
    assert said.code == 0, said.err
    assert {row["part"] for row in json.loads(said.out)} >= {"night", "changed"}


def test_growth_is_in_status(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """`status` shows the size of the lake and what a run adds: the files of that run without the snapshots."""
    program("collect", environ=environ(buddy))
    (night,) = json.loads(program("status", "--format", "json").out)
    tables = Lake.open(tmp_path / "lake").manifest.tables
    nightly = sum(
        e.bytes
        for t, es in tables.items()
        if t not in ("last_known_actions", "action_state", "execution_state", "pipeline_state")
        for e in es
    )
    assert night["lake_bytes_per_night"] == night["bytes"] == nightly
    assert "KiB per run" in program("status").out


def test_output_files_that_are_not_regular(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Output files that are a device, a pipe without a reader or a directory stay what they are, with a warning each;
    the run is published with its own exit code.
    """
    monkeypatch.setattr(output_file, "_NO_READER_S", 0.1)
    (tmp_path / "s.json").symlink_to("/dev/full")
    os.mkfifo(tmp_path / "m.md")
    (tmp_path / "c.prom").mkdir()
    said = program("collect", *FILES, "--notify-url", "http://127.0.0.1:1/hook", environ=environ(buddy))
    assert (said.code, said.out.count(" complete: ")) == (0, 1), said.err
    warned = [line for line in said.err.splitlines() if "not done after the run" in line]
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


def test_a_pipe_as_summary_file_stays_a_pipe(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """`--summary-file` with the path of a pipe gives the summary to its reader, and the pipe stays."""
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

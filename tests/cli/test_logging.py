"""Log lines: one per event, for people or programs, without a secret at any level; and the progress display."""

import io
import json
import logging
import re
import threading
from datetime import UTC, datetime

import pytest
import structlog
from rich.console import Console

from collector.buddy.requests import Kind, Request
from collector.cli import logging as logs
from collector.cli import terminal
from collector.cli.progress import ProgressObserver, log_line, observing
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import RateLimitMet, RetryScheduled
from collector.crawl.journal import Abandoned
from collector.crawl.rate_limiter import RateLimiterState
from collector.run import progress as events
from collector.settings.secret import Secret
from tests.cli.conftest import Program
from tests.run.progress import progress_of

TOKEN = "tok-planted-1234"
AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
REQUEST = Request("us", Kind.PROJECTS, "acme", page=2, per_page=50)
EVENTS = [
    events.RunBegan("20261123T021500Z-7f3a9c", AT, 0, 0),
    events.RunBegan("20261123T021500Z-7f3a9c", AT, 1, 44),
    Abandoned("20261121T021500Z-7f3a9c", "it began more than 24 hours ago"),
    events.Draining("a signal"),
    events.SecondRound("us", 1, 35, {"HTTP 502": 34, "timeout": 1}, 5.3),
    events.CrawlEnded("20261123T021500Z-7f3a9c", 99),
    RetryScheduled(REQUEST, Failure("http_error", 503, "HTTP 503", TOKEN, {"value": TOKEN}), 1, 0.25),
    RateLimitMet(REQUEST, 429, "Rate limit exceeded", 3.0),
]


@pytest.fixture(autouse=True)
def reset_logging(program: Program) -> None:
    """Clear the log settings; every test sets up its own."""
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("form", ["text", "json"])
def test_one_line_per_event(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each event of a run is one line on stderr with time, level, event and run."""
    logs.set_up(form, "debug")
    observer = ProgressObserver()
    for event in EVENTS:
        observer.event(event)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == len(EVENTS)
    if form == "json":
        for line in lines:
            assert {"timestamp", "level", "event"} <= set(json.loads(line))
            assert json.loads(line)["run_id"] == "20261123T021500Z-7f3a9c"


def test_no_body_is_logged() -> None:
    """What a failure carries of a reply is not among the fields of its log line."""
    for event in EVENTS:
        assert TOKEN not in str(log_line(event))


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_remembered_secrets_are_removed(form: str, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A token in an event, a nested field, a traceback or a line of another library is replaced."""
    terminal.remember(Secret(TOKEN))
    logs.set_up(form, level)
    log = structlog.get_logger()
    log.error("event " + TOKEN, nested={"a": [TOKEN, 1]}, plain=TOKEN)
    logging.getLogger("aiohttp").error("Bearer %s", TOKEN)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        log.exception("failed")
    err = capsys.readouterr().err
    assert TOKEN not in err
    assert err.count("[secret]") >= 5


def test_level(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines below the level are not written."""
    logs.set_up("text", "warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_hostile_names_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A name can neither add a line to the log nor colour it."""
    logs.set_up("text", "info")
    structlog.get_logger().info("seen", project='x\n2026 "faked" \x1b[31m')
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


class FixedProgress:
    """A run whose snapshot does not change."""

    def snapshot(self) -> events.RunSnapshot:
        pace = RateLimiterState(1, 120, AT, AT, "budget of this window is spent", 0.1, False)
        kinds = ("workspaces", "projects", "pipelines", "actions", "action", "executions", "execution")
        counts = {kind: 10 * number for number, kind in enumerate(kinds, 1)}
        return events.RunSnapshot("20261123T021500Z-7f3a9c", "crawl", (progress_of(pace, counts, counts, 99),))


def test_the_display() -> None:
    """The display shows what was found and done, the speed, the budget and when it resets."""
    observer = ProgressObserver()
    written = io.StringIO()
    console = Console(file=written, width=120)
    console.print(observer.display())
    observer.watch(FixedProgress().snapshot)
    console.print(observer.display())
    text = written.getvalue()
    for words in (
        "starting",
        "pipeline lists",
        "promote-image actions",
        "execution lists",
        "budget 120 left until 02:15:00",
        "requests/s",
    ):
        assert words in text
    assert re.search(r"^executions +70 +70", text, re.MULTILINE)


def test_the_heartbeat_ends() -> None:
    """After the run the thread of the heartbeat has ended."""
    with observing(live=False):
        assert any(thread.name == "heartbeat" for thread in threading.enumerate())
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())

"""`collector collect` beside another one, and interrupted by signals."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from collector.fake_buddy import FakeBuddy, Fault
from tests.cli.conftest import Program, environ
from tests.cli.test_main import ENVIRON


def test_two_runs_at_once(program: Program, buddy: FakeBuddy) -> None:
    """The second of two exits 5 and the first goes on; status names who holds the lake."""
    buddy.latency = 0.5  # so long that the first has seconds to go, whatever else this machine does
    first = started(buddy, "lake")
    wait_for(lambda: len(buddy.arrivals) > 1)
    assert program("collect", "--lake", "lake", environ=environ(buddy)).code == 5
    result = program("status", "--lake", "lake", "--max-age", "26h")
    assert (result.code, f"in use by 'collect', process {first.pid}" in result.out) == (3, True)
    assert "interrupted" not in result.out
    buddy.latency = 0.0
    first.communicate(timeout=30)
    assert first.returncode == 0


def started(buddy: FakeBuddy, lake: str) -> "subprocess.Popen[str]":
    """Start `collect` in a process of its own, in the current directory."""
    return subprocess.Popen(
        [sys.executable, "-m", "collector", "collect", "--lake", lake, "--concurrency", "2"],
        env={**ENVIRON, **environ(buddy)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "timed out"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_once(program: Program, buddy: FakeBuddy, number: signal.Signals) -> None:
    """The first signal drains: exit code 130, one paragraph, and the next collect requests only what is missing."""
    buddy.latency = 0.1
    running = started(buddy, "lake")
    wait_for(lambda: len(buddy.arrivals) > 4)
    running.send_signal(number)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "collect` again" in err
    assert "Traceback" not in err
    buddy.latency = 0.0
    result = program("collect", "--lake", "lake", environ=environ(buddy))
    assert result.code == 0
    assert len(buddy.arrivals) <= buddy.expected_minimum() + 2


def test_interrupted_twice(buddy: FakeBuddy, program: Program) -> None:
    """The second signal exits at once with 130, and nothing is lost."""
    buddy.script.add(Fault("hang", kind="action", times=None))
    running = started(buddy, "lake")
    wait_for(lambda: len(buddy.requests("action")) > 0)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert time.monotonic() - began < 3
    assert "Traceback" not in err
    buddy.script.clear()
    assert program("collect", "--lake", "lake", environ=environ(buddy)).code == 0

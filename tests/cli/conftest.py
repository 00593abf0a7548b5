"""The program as a person meets it: a command line goes in; an exit code, stdout and stderr come out."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from collector.cli import terminal
from collector.cli.main import run
from collector.fake_buddy import FakeBuddy, FakeWorld

WORLD = FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3)


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of one command."""

    code: int
    out: str
    err: str


Program = Callable[..., CommandResult]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Program:
    """Run commands in an empty directory, without environment variables or log settings of an earlier test."""
    for name in os.environ:
        if name.startswith(("BUDDY_", "COLLECTOR_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_known", [])
    structlog.reset_defaults()

    def call(*argv: str, environ: dict[str, str] | None = None) -> CommandResult:
        for name, value in (environ or {}).items():
            monkeypatch.setenv(name, value)
        structlog.contextvars.clear_contextvars()  # as in a new process
        code = run(argv)
        out, err = capsys.readouterr()
        return CommandResult(code, out, err)

    return call


@pytest.fixture
def on_demo(program: Program, demo_lake: Path) -> Program:
    """Run commands on the demo's lake; read it, never write it."""
    return lambda *argv: program(*argv, environ={"COLLECTOR_LAKE": str(demo_lake)})


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    """Serve a small world."""
    with FakeBuddy(WORLD) as running:
        yield running


def environ(buddy: FakeBuddy) -> dict[str, str]:
    """Return the environment in which `collect` asks this Buddy as fast as it can."""
    return {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}

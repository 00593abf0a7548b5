"""The program as a person meets it: a command line goes in; an exit code, stdout and stderr come out."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from collector.cli import terminal
from collector.cli.main import run


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str


Program = Callable[..., Said]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Program:
    """Run commands in an empty directory, with nothing set, and without the last test's log settings."""
    for name in os.environ:
        if name.startswith(("BUDDY_", "COLLECTOR_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_known", [])
    structlog.reset_defaults()

    def call(*argv: str, environ: dict[str, str] | None = None) -> Said:
        for name, value in (environ or {}).items():
            monkeypatch.setenv(name, value)
        structlog.contextvars.clear_contextvars()  # as a new process begins
        code = run(argv)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call

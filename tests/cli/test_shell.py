"""`collector shell`: statements end with a semicolon, a mistake does not end the prompt, the history is private."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit import PromptSession

from collector.cli import shell
from collector.query.reader import open_lake
from tests.cli.test_main import ENVIRON


def converse(monkeypatch: pytest.MonkeyPatch, lake: Path, home: Path, lines: list[str | BaseException]) -> None:
    """Type the lines into the prompt, and then end the input."""
    typed: Iterator[str | BaseException] = iter([*lines, EOFError()])

    def prompt(self: object, message: str) -> str:
        line = next(typed)
        if isinstance(line, BaseException):
            raise line
        return line

    monkeypatch.setattr(PromptSession, "prompt", prompt)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    reader = open_lake(lake)
    shell._prompt(reader, reader.views())


def test_a_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], demo_lake: Path, tmp_path: Path
) -> None:
    """A statement on two lines, a mistake, a line cancelled with Ctrl-C, another statement, the end."""
    cancelled: list[str | BaseException] = ["select 'cancelled'", KeyboardInterrupt()]
    lines = ["select 41 + 1 as", "answer;", "selec 1;", *cancelled, "select 7 as seven;"]
    converse(monkeypatch, demo_lake, tmp_path, lines)
    out, err = capsys.readouterr()
    assert "42" in out
    assert "seven" in out
    assert "cancelled" not in out
    assert err.startswith("collector: ")
    assert (tmp_path / "collector" / "history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("word", ["exit", "quit;", ".exit"])
def test_exit(monkeypatch: pytest.MonkeyPatch, demo_lake: Path, tmp_path: Path, word: str) -> None:
    """Every usual word ends the prompt."""
    converse(monkeypatch, demo_lake, tmp_path, [word, RuntimeError("prompted again")])


def test_statements_from_a_pipe(demo_lake: Path) -> None:
    """Without a terminal, the statements of stdin are answered."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "shell", "--lake", str(demo_lake)],
        input="select 1 as one;\nselect 2 as two;\n",
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRON,
    )
    assert "one" in done.stdout
    assert "two" in done.stdout

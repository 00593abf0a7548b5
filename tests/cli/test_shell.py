"""The small prompt of `collector shell`: statements end with a semicolon, mistakes are forgiven, history is
private.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit import PromptSession

import collector
from collector.cli import shell


def conversation(monkeypatch: pytest.MonkeyPatch, lake: Path, home: Path, lines: list[str | BaseException]) -> None:
    """Type the lines; the end of them is the end of input."""
    typed: Iterator[str | BaseException] = iter([*lines, EOFError()])

    def prompt(self: object, message: str) -> str:
        line = next(typed)
        if isinstance(line, BaseException):
            raise line
        return line

    monkeypatch.setattr(PromptSession, "prompt", prompt)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    reader = collector.open_lake(lake)
    shell._prompt(reader, reader.views())


def test_a_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], demo_lake: Path, tmp_path: Path
) -> None:
    """A statement over two lines, a mistake, a line given up with Ctrl-C, another statement, the end."""
    lines: list[str | BaseException] = [
        "select 41 + 1 as", "answer;", "selec 1;", "select 'given up'", KeyboardInterrupt(), "select 7 as seven;",
    ]  # fmt: skip
    conversation(monkeypatch, demo_lake, tmp_path, lines)
    out, err = capsys.readouterr()
    assert "42" in out
    assert "seven" in out
    assert "given up" not in out
    assert err.startswith("collector: ")
    assert (tmp_path / "collector" / "history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("word", ["exit", "quit;", ".exit"])
def test_leaving(monkeypatch: pytest.MonkeyPatch, demo_lake: Path, tmp_path: Path, word: str) -> None:
    """Every usual word leaves."""
    conversation(monkeypatch, demo_lake, tmp_path, [word, RuntimeError("asked again")])

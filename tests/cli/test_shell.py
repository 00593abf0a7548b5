"""`collector shell`: statements end with a semicolon, a mistake does not end the prompt, the history is private."""

import os
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
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
    assert err.count("\n") == 1
    assert "42" in out
    assert "seven" in out
    assert "cancelled" not in out
    assert err.startswith("collector: ")
    assert (tmp_path / "collector" / "history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("word", ["exit", "quit;", ".exit"])
def test_exit(monkeypatch: pytest.MonkeyPatch, demo_lake: Path, tmp_path: Path, word: str) -> None:
    """Every usual word ends the prompt."""
    converse(monkeypatch, demo_lake, tmp_path, [word, RuntimeError("prompted again")])


def test_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], demo_lake: Path, tmp_path: Path
) -> None:
    """The commands of other prompts list tables and columns, `ask` answers a question; a wrong one is one paragraph."""
    wrong = [".zork", "ask returnd_actions", "ask promotions image='x", "\\d promotionz", "ask promotions image"]
    lines: list[str | BaseException] = [".help", ".tables", "\\d runs", ".schema promotions;", "ask", *wrong]
    converse(monkeypatch, demo_lake, tmp_path, [*lines, "ask promotions_by_registry", "ask promotions image=zork"])
    out, err = capsys.readouterr()
    for text in (".schema NAME", "\nselected_run\n", "collector_version", "destination_environment", "what_changed"):
        assert text in out
    assert out.count("source_registry\tdestination_registry") == 1
    assert [line[:11] for line in err.splitlines()] == ["collector: "] * len(wrong)
    for text in (".help lists", "returned_actions", "quotes", "promotions", "NAME=VALUE"):
        assert text in err


def test_long_answers_are_paged(demo_lake: Path, tmp_path: Path) -> None:
    """What is longer than the terminal goes through $PAGER, with the footer; a short answer is written at once."""
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\nexec cat > {tmp_path}/paged\n", encoding="utf-8")
    pager.chmod(0o755)
    main, screen = os.openpty()
    termios.tcsetwinsize(screen, (20, 100))
    reading = threading.Thread(target=_read_to_end, args=(main,), daemon=True)
    reading.start()
    subprocess.run(
        [sys.executable, "-m", "collector", "shell", "--lake", str(demo_lake)],
        input="select 'short' as length;\nask promotions_by_registry\n",
        stdout=screen,
        text=True,
        check=True,
        env={**ENVIRON, "PAGER": str(pager)},
    )
    os.close(screen)
    paged = (tmp_path / "paged").read_text(encoding="utf-8")
    assert "short" not in paged
    assert "destination_registry" in paged
    assert " rows · run 2" in paged


def _read_to_end(terminal: int) -> None:
    with suppress(OSError):
        while os.read(terminal, 4096):
            pass


def test_statements_from_a_pipe(demo_lake: Path) -> None:
    """Without a terminal, the statements of stdin are answered."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "shell", "--lake", str(demo_lake)],
        input=".tables\nselect 1 as one; select 2\nas two;\nask returned_actions\n",
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRON,
    )
    for text in ("\npromotions\n", "one\n1\n", "two\n2\n", "\tdays_away\t"):
        assert text in done.stdout

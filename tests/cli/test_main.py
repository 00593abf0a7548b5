"""The program's frame: help, exit codes, and failures told in one paragraph."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import collector
from collector import __version__
from collector.cli import main
from collector.cli.failures import EXIT_CODES
from collector.errors import LakeBusy
from tests.cli.conftest import Program

COMMANDS = (
    *("collect", "demo", "ask", "sql", "shell", "report", "tables", "status"),
    *("doctor", "verify", "compact", "prune", "init", "fake-buddy"),
)
# For processes of their own, wherever the tests are started.
ENVIRON = {**os.environ, "PYTHONPATH": str(Path(collector.__file__).parents[1])}


def test_every_command_has_help(program: Program) -> None:
    """`--help` works on the program and on each command, and says what it does."""
    said = program("--help")
    assert said.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in said.out
        assert program(command, "--help").out.startswith("Usage: collector " + command) or command == "fake-buddy"


def test_nothing_asked(program: Program) -> None:
    """A bare `collector` shows the help and leaves as a usage error, so that a script notices."""
    said = program()
    assert said.code == 2
    assert "collect " in said.out


def test_version(program: Program) -> None:
    """`--version` is one line."""
    assert program("--version").out == f"collector {__version__}\n"


@pytest.mark.parametrize(
    "argv",
    [("zork",), ("collect", "--zork"), ("collect", "extra"), ("prune",), ("tables", "--format", "pdf"), ("--zork",)],
)
def test_a_wrong_command_line(program: Program, argv: tuple[str, ...]) -> None:
    """Anything not understood is one paragraph on stderr that names the help, exit code 2."""
    said = program(*argv)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("collector: ")
    assert "--help` lists the options." in said.err
    assert said.err.count("\n") == 1


def test_an_understood_failure(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Message and advice are one paragraph, made inert, with the error's exit code."""

    def busy(_: object) -> int:
        raise LakeBusy("another run \x1b[31mholds it", "Wait\nuntil it ends")

    monkeypatch.setattr(main, "_run_command", busy)
    said = program("collect")
    assert said.code == 5
    assert said.err == "collector: Another run \\x1b[31mholds it. Wait until it ends.\n"


def test_an_unforeseen_failure(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is never taken for a published night: it shows where it was, and leaves with 3."""

    def broken(_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(main, "_run_command", broken)
    said = program("collect")
    assert said.code == 3
    assert "ZeroDivisionError: oh" in said.err
    assert said.err.rstrip().endswith("check it first.")


def test_ctrl_c_outside_a_run(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command leaves with 130 and without a traceback."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_run_command", interrupted)
    said = program("verify")
    assert (said.code, said.out, said.err) == (130, "", "")


def test_exit_codes_are_in_the_help(program: Program) -> None:
    """`collect --help` lists every exit code."""
    words = " ".join(program("collect", "--help").out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in words


def test_a_reader_that_has_had_enough() -> None:
    """`| head` ends the program quietly: not a failure, and nothing on stderr."""
    code = (
        "import sys; from collector import __main__; from collector.cli import main; "
        "main._run_command = lambda argv: [sys.stdout.write('row\\n' * 9999) for _ in range(99)] and 7; "
        "__main__.main()"
    )
    pipe = f'set -o pipefail; {sys.executable} -c "{code}" | head -n 1'
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=False, env=ENVIRON)
    assert (done.returncode, done.stdout, done.stderr) == (0, "row\n", "")


@pytest.mark.parametrize("command", ["--help", "--version", "tables", "ask --list"])
def test_a_full_disk_under_the_output(command: str) -> None:
    """What is shown and can't be written (`> FILE` on a full disk) is told in one sentence, and is never taken for done."""
    said = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m collector {command} > /dev/full"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert said.stderr == (
        "collector: The output could not be written: No space left on device. Free some space there, or write it "
        "elsewhere, and run the command again.\n"
    )

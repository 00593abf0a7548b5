"""The command line as a whole: help, exit codes, and failures reported in one paragraph."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import collector
from collector import __version__
from collector.cli import main, terminal
from collector.cli.failures import EXIT_CODES
from collector.cli.version import version_text
from collector.errors import LakeBusy
from tests.cli.conftest import Program

COMMANDS = (
    *("collect", "demo", "ask", "sql", "shell", "report", "tables", "status"),
    *("doctor", "verify", "compact", "prune", "init", "fake-buddy", "completion", "help"),
)
# For processes that tests start in any directory.
ENVIRON = {**os.environ, "PYTHONPATH": str(Path(collector.__file__).parents[1])}


def test_every_command_has_help(program: Program) -> None:
    """`--help` works for the program and for each command."""
    result = program("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.out
        assert program(command, "--help").out.startswith("Usage: collector " + command) or command == "fake-buddy"


def test_ways_to_ask_for_help(program: Program) -> None:
    """`-h` and `help COMMAND` show what `--help` shows; with a question, its parameters, columns and rules."""
    assert program("-h").out == program("help").out == program("--help").out
    assert program("status", "-h").out == program("help", "status").out == program("status", "--help").out
    about = program("help", "ask", "releases").out
    assert about == program("ask", "releases", "-h").out == program("ask", "--help", "releases").out
    for text in (
        "What was released, when and by whom?",
        "--param NAME=VALUE",
        "(VARCHAR, default: production)",
        "known_from",
    ):
        assert text in about
    assert program("ask", "-h").out.startswith("Usage: collector ask")
    assert program("help", "zork").code == 2


@pytest.mark.parametrize("width", [60, 100])
def test_help_has_the_width_of_the_terminal(program: Program, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """No line is wider, and no description is cut."""
    monkeypatch.setattr(terminal, "width_of", lambda stream: width)
    for argv in (("--help",), ("collect", "--help"), ("ask", "unguarded_production", "--help")):
        lines = program(*argv).out.splitlines()
        assert width - 20 < max(map(len, lines)) <= width, argv
        assert not any(line.endswith("...") for line in lines[1:])


def test_common_options_stand_before_or_after_the_command(program: Program, tmp_path: Path) -> None:
    """-v shows the traceback of a failure, -q no notes; each may stand at either place, and ends with its command."""
    before, after = program("-v", "ask", "releases"), program("ask", "releases", "--verbose")
    assert before.code == after.code == 2
    assert "Traceback" in before.err
    assert "Traceback" in after.err
    assert "Traceback" not in program("ask", "releases").err
    wrong = program("--color", "sometimes", "tables")
    assert (wrong.code, wrong.out) == (2, "")


def test_no_command(program: Program) -> None:
    """`collector` alone shows the help and exits 2, so that a script notices."""
    result = program()
    assert result.code == 2
    assert "collect " in result.out


def test_version(program: Program) -> None:
    """`--version` is one line with the version and, in a clone, the commit; -V is the same."""
    assert program("-V").out == program("--version").out
    assert re.fullmatch(rf"collector {__version__}( \(commit [0-9a-f]{{12}}(-dirty)?\))?\n", program("--version").out)


def test_the_commit_of_an_installed_package(tmp_path: Path) -> None:
    """A commit that the build wrote is shown; without it and outside a clone, the version stands alone."""
    assert version_text(tmp_path) == f"collector {__version__}"
    (tmp_path / "commit.txt").write_text("1a2b3c4d5e6f\n", encoding="ascii")
    assert version_text(tmp_path) == f"collector {__version__} (commit 1a2b3c4d5e6f)"


def test_the_commit_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone on a machine without git shows the version alone."""
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert version_text(tmp_path / "collector") == f"collector {__version__}"


@pytest.mark.parametrize(
    "argv",
    [("zork",), ("collect", "--zork"), ("collect", "extra"), ("prune",), ("tables", "--format", "pdf"), ("--zork",)],
)
def test_a_wrong_command_line(program: Program, argv: tuple[str, ...]) -> None:
    """A command line that cannot be parsed is one paragraph on stderr that names the help, exit code 2."""
    result = program(*argv)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("collector: ")
    assert "--help` lists the options." in result.err
    assert result.err.count("\n") == 1


def test_an_expected_failure(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Message and advice are one escaped paragraph, with the error's exit code."""

    def busy(_: object) -> int:
        raise LakeBusy("another run \x1b[31mholds it", "Wait\nuntil it ends")

    monkeypatch.setattr(main, "_run_command", busy)
    result = program("collect")
    assert result.code == 5
    assert result.err == "collector: Another run \\x1b[31mholds it. Wait until it ends.\n"


def test_a_bug(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug shows its traceback and exits 3, as nothing was published."""

    def broken(_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(main, "_run_command", broken)
    result = program("collect")
    assert result.code == 3
    assert "ZeroDivisionError: oh" in result.err
    assert result.err.rstrip().endswith("check it first.")


def test_ctrl_c_outside_a_run(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command exits 130 without a traceback."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_run_command", interrupted)
    result = program("verify")
    assert (result.code, result.out, result.err) == (130, "", "")


def test_exit_codes_are_in_the_help(program: Program) -> None:
    """`collect --help` lists every exit code."""
    words = " ".join(program("collect", "--help").out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in words


def test_a_closed_pipe() -> None:
    """`| head` ends the program with exit code 0 and nothing on stderr."""
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
    """Output that cannot be written (`> FILE` on a full disk) is one paragraph on stderr and exit code 2."""
    result = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m collector {command} > /dev/full"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == (
        "collector: The output could not be written: No space left on device. Free some space there, or write it "
        "elsewhere, and run the command again.\n"
    )

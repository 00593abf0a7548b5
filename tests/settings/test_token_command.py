"""The command that prints a token: bounded in time and output, and it leaves no process behind."""

import os
import signal
import threading
import time
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

import pytest

from collector.errors import SettingsError
from collector.settings.loading import load
from collector.settings.tokens import run_token_command

TOKEN = "bdy_planted_0123456789abcdef"


def alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    """Return whether a process ends within 20 seconds."""
    ends = time.monotonic() + 20
    while alive(pid):
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def children() -> set[str]:
    """Return the child processes that were not waited for."""
    return {
        pid
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text(encoding="ascii").split()
    }


def test_a_helper_that_keeps_the_pipe_open_neither_delays_nor_outlives(tmp_path: Path) -> None:
    """The token is taken when the command ends, and what it left running in its group is killed."""
    before = children()
    began = time.monotonic()
    printed = run_token_command(f"sleep 600 & echo $! > {tmp_path}/pid; echo {TOKEN}")
    assert printed == TOKEN + "\n"
    assert time.monotonic() - began < 20
    assert gone(int((tmp_path / "pid").read_text()))
    assert children() <= before


@pytest.mark.parametrize("more", ["", "exec >&-;"], ids=["stdout open", "stdout closed"])
def test_a_command_that_takes_too_long_is_stopped_with_its_group(tmp_path: Path, more: str) -> None:
    """At the end of its time the command and its helpers are killed, also when it ignores SIGTERM."""
    before = children()
    with pytest.raises(TimeoutExpired) as caught:
        run_token_command(
            f"trap '' TERM; {more} sleep 600 & echo $! > {tmp_path}/pid; while :; do sleep 600; done", time_limit_s=0.5
        )
    assert caught.value.output is None
    assert gone(int((tmp_path / "pid").read_text()))
    assert children() <= before


def test_endless_output_is_refused(tmp_path: Path) -> None:
    """A command that prints more than a pipe holds is stopped, and its output is not kept."""
    with pytest.raises(TimeoutExpired) as caught:
        run_token_command(f"echo $$ > {tmp_path}/pid; exec yes {TOKEN}", time_limit_s=0.5)
    assert caught.value.output is None
    assert gone(int((tmp_path / "pid").read_text()))
    assert run_token_command("head -c 4000 /dev/zero | tr '\\0' x") == "x" * 4000


def test_stderr_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    """What the command writes to stderr, however much, reaches no log and no exception."""
    with pytest.raises(CalledProcessError) as caught:
        run_token_command(f"yes {TOKEN} | head -n 100000 >&2; echo {TOKEN}; exit 3")
    assert (caught.value.returncode, caught.value.output, caught.value.stderr) == (3, None, None)
    assert capfd.readouterr() == ("", "")


def test_an_interruption_ends_the_command(tmp_path: Path) -> None:
    """Ctrl-C, which the terminal sends to this program only, ends the command too."""

    def interrupt() -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_token_command(f"echo $$ > {tmp_path}/pid; exec sleep 600")
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"echo {TOKEN}; exit 7", "code 7"),
        (f"echo {TOKEN} {TOKEN}", "blank, or holds spaces"),
        ("printf '\\377\\376'", "characters that no Buddy token"),
        ("true", "blank"),
        ("kill -9 $$", "code -9"),
    ],
)
def test_each_failure_is_reported_without_the_output(tmp_path: Path, command: str, words: str) -> None:
    """The message has advice and quotes nothing of what the command printed."""
    path = tmp_path / "collector.toml"
    path.write_text(f'token_command = "{command}"\n'.replace("\\", "\\\\"), encoding="utf-8")
    with pytest.raises(SettingsError, match=words) as caught:
        load({}, {}, tmp_path)
    assert caught.value.advice
    assert TOKEN not in str(caught.value) + caught.value.advice

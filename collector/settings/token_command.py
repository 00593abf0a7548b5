"""Runs the command line that prints a token, within bounds of time and output, and leaves no process behind.

The command gets a session, and so a process group, of its own. When it has ended, taken too long or printed too much,
the whole group is killed: a helper that it started in the background neither outlives it nor keeps the pipe open. What
it writes to stderr is thrown away, because a password manager may write there what it was asked for. No exception
raised here holds any output.
"""

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Final, cast

__all__ = ["MOST_BYTES", "SECONDS", "OutputTooLong", "run_token_command"]

# A password manager may ask for a touch or a fingerprint; nobody answers after a minute.
SECONDS: Final = 60.0
# Tokens have tens to hundreds of characters; the longest that a header can hold are a few thousand.
MOST_BYTES: Final = 64 * 1024
# How often an end of the command is looked for while another process holds its pipe open.
_LOOK_S: Final = 0.02


class OutputTooLong(Exception):
    """The command printed more than a token can be."""


def run_token_command(command: str, *, seconds: float = SECONDS, most: int = MOST_BYTES) -> str:
    """What the command printed to stdout.

    Raises CalledProcessError when it failed, TimeoutExpired when it took longer than `seconds`, OutputTooLong when it
    printed more than `most` bytes, and OSError when it could not be started.
    """
    # The person's own command line from their own file, run as they would type it: hence the shell.
    process = subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        printed = _read(process, time.monotonic() + seconds, most)
    finally:
        # Also after an exception such as KeyboardInterrupt: the terminal sends Ctrl-C to our group only.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        cast(IO[bytes], process.stdout).close()
    if printed is None:
        raise subprocess.TimeoutExpired(command, seconds)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    # No token holds the character that stands for what is not UTF-8.
    return printed.decode("utf-8", "replace")


def _read(process: "subprocess.Popen[bytes]", ends_at: float, most: int) -> bytes | None:
    """What the command has printed when it has ended; None when that was not in time."""
    pipe = cast(IO[bytes], process.stdout).fileno()
    os.set_blocking(pipe, False)
    printed = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := ends_at - time.monotonic()) > 0:
            # In this order: what it printed is in the pipe by the time it has ended.
            ended = process.poll() is not None
            if _drain(pipe, printed, most):
                return _after_closing(process, printed, left)
            if ended:
                return bytes(printed)
            selector.select(min(left, _LOOK_S))
    return None


def _drain(pipe: int, printed: bytearray, most: int) -> bool:
    """Take what is in the pipe; True at its end."""
    with suppress(BlockingIOError):
        while block := os.read(pipe, most + 1):
            printed += block
            if len(printed) > most:
                raise OutputTooLong
        return True
    return False


def _after_closing(process: "subprocess.Popen[bytes]", printed: bytearray, left: float) -> bytes | None:
    """Wait for the exit code of a command that has closed its stdout."""
    try:
        process.wait(timeout=left)
    except subprocess.TimeoutExpired:
        return None
    return bytes(printed)

"""Runs the command that prints a token, within bounds of time and output, and leaves no process behind.

The command has its own session and so its own process group. When it has ended, takes too long or prints too much, the
whole group is killed: a helper that it started in the background neither delays the token nor outlives the command. Its
stderr is discarded, because a password manager may repeat there what it was asked for. No exception holds any output.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Final, cast

# A password manager may ask for a touch or a fingerprint; nobody answers after a minute.
TIME_LIMIT_S: Final = 60.0
# Tokens have tens to hundreds of characters; the longest that a header can hold are a few thousand.
OUTPUT_LIMIT: Final = 64 * 1024
_POLL_S: Final = 0.02


class OutputTooLong(Exception):
    """The command printed more than a token can be."""


def run_token_command(command: str, *, time_limit_s: float = TIME_LIMIT_S) -> str:
    """Return what the command printed to stdout.

    Raises CalledProcessError when it failed, TimeoutExpired when it took too long, OutputTooLong when it printed more
    than OUTPUT_LIMIT bytes, and OSError when it could not be started.
    """
    # The user's own command line from their own file, run as they would type it: hence the shell.
    process = subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    stdout = cast(IO[bytes], process.stdout)
    try:
        printed = _read(process, stdout.fileno(), time_limit_s)
    finally:
        # Also after KeyboardInterrupt: the terminal sends Ctrl-C only to the group of this program.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        stdout.close()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    # No token holds the character that stands for what is not UTF-8.
    return printed.decode("utf-8", "replace")


def _read(process: "subprocess.Popen[bytes]", pipe: int, time_limit_s: float) -> bytes:
    """Return what the command printed until it ended. Another process may hold the pipe open longer."""
    os.set_blocking(pipe, False)
    printed = bytearray()
    deadline = time.monotonic() + time_limit_s
    while time.monotonic() < deadline:
        # Before the read: all that a command printed is in the pipe by the time it has ended.
        ended = process.poll() is not None
        with suppress(BlockingIOError):
            while block := os.read(pipe, OUTPUT_LIMIT + 1):
                printed += block
                if len(printed) > OUTPUT_LIMIT:
                    raise OutputTooLong
        if ended:
            return bytes(printed)
        time.sleep(_POLL_S)
    raise subprocess.TimeoutExpired(process.args, time_limit_s)

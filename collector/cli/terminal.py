"""The terminal of this process, and a second line of defence behind Secret: messages without remembered secrets.

What the common options say is kept here for the process: how much to write, and whether in colour.
"""

import json
import os
import shutil
import sys
from typing import Final, TextIO

from collector.cli import looks
from collector.settings.secret import SHOWN, Secret

_MIN_WIDTH: Final = 40
_MIN_SECRET: Final = 6  # a shorter one would blank out ordinary words
_known: list[Secret] = []
colour = "auto"  # what --color says
quiet = False  # -q: no progress and no notes, only results and errors
verbose = False  # -v: all log lines are shown on a terminal, too, and a failure shows its traceback


def remember(secret: Secret) -> None:
    """Hide this secret in every later message of this process."""
    if len(secret.reveal()) >= _MIN_SECRET:
        _known.append(secret)


def without_secrets(text: str) -> str:
    """Return the text with every remembered secret replaced, as it is and as JSON writes it."""
    for secret in _known:
        for written in (secret.reveal(), json.dumps(secret.reveal(), ensure_ascii=False)[1:-1]):
            text = text.replace(written, SHOWN)
    return text


def width_of(stream: TextIO) -> int | None:
    """Return the columns of the terminal behind `stream`, None where there is no terminal and so no limit."""
    if not stream.isatty():
        return None
    return max(_MIN_WIDTH, shutil.get_terminal_size().columns)


def forget_options() -> None:
    """Begin a command line: its common options are not known yet."""
    global colour, quiet, verbose
    colour, quiet, verbose = "auto", False, False


def log_level(level: str) -> str:
    """Return the level of log lines: that of the settings, unless -q or -v says another."""
    return "debug" if verbose else "error" if quiet else level


def looks_of(stream: TextIO) -> looks.Looks:
    """Return how `stream` may be written to, as `--color` says."""
    return looks.looks_of(stream, colour)


def is_interactive() -> bool:
    """Return whether stderr is a terminal on which a line can be redrawn, outside of CI and without -q."""
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb" and not os.environ.get("CI")

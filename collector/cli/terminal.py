"""The terminal of this process, and a second line of defence behind Secret: messages without remembered secrets."""

import json
import os
import shutil
import sys
from typing import Final, TextIO

from collector.settings.secret import SHOWN, Secret

_MIN_WIDTH: Final = 40
_MIN_SECRET: Final = 6  # a shorter one would blank out ordinary words
_known: list[Secret] = []


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


def is_interactive() -> bool:
    """Return whether stderr is a terminal on which a line can be redrawn, outside of CI."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb" and not os.environ.get("CI")

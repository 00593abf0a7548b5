"""What may be written to a terminal: names from Buddy are data there too.

An escape sequence in a pipeline's name could retitle, clear or fake the screen, and a right-to-left mark
could turn a line around. `escape` shows such characters instead of sending them. `without_secrets` is a second
line of defence behind Secret.
"""

import os
import re
import shutil
import sys
from typing import Final, TextIO

from collector.settings.secret import SHOWN, Secret

# Controls (C0, DEL, C1), line and paragraph separators, bidirectional overrides, zero-width and tag
# characters, lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_known: list[Secret] = []
_SHORTEST = 6  # anything shorter would blank out ordinary words


def escape(text: str) -> str:
    """The text with every character that could act on a terminal shown as an escape."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def remember(secret: Secret) -> None:
    """From now on no message of this process shows this secret."""
    if len(secret.reveal()) >= _SHORTEST:
        _known.append(secret)


def without_secrets(text: str) -> str:
    """The text with every remembered secret replaced."""
    for secret in _known:
        text = text.replace(secret.reveal(), SHOWN)
    return text


def width_of(stream: TextIO) -> int | None:
    """Columns of the terminal behind `stream`, None when it is none (then nothing is cut or wrapped)."""
    if not stream.isatty():
        return None
    return max(40, shutil.get_terminal_size().columns)


def watched() -> bool:
    """Whether a person watches: stderr is a terminal that can redraw a line, and nobody said CI."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb" and not os.environ.get("CI")

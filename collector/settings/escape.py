"""The one set of characters that are never shown as they are, and how text that may hold them is written.

Names and messages of Buddy, and values of settings, are data. In a terminal, a log, an e-mail or a page a control
character could clear the screen or start a new line, and a direction mark or a character without width could make one
name look like another.
"""

import re
from typing import Final

# C0, DEL and C1 controls; soft hyphen; marks and overrides of direction (U+200E and U+200F among them); characters
# without width, joiners of emoji included; line and paragraph separators; annotations; lone surrogates, which are not
# valid UTF-8; tags.
UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def escape(text: str) -> str:
    """Return the text with each unsafe character written as a backslash escape."""
    if text.isascii() and text.isprintable():
        return text  # as most texts are: found out in a fifth of the time
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def is_utf8(text: str) -> bool:
    """Return whether UTF-8 can express the text: Python reads other bytes of arguments and stdin as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def quote(value: object, longest: int = 60) -> str:
    """Return what somebody wrote as a message quotes it: in quotes, escaped, cut to about `longest` characters."""
    quoted = repr(value)
    return quoted if len(quoted) <= longest else f"{quoted[: longest - 3]}…{quoted[-1]}"

"""What keeps text from outside from acting inside the page.

Data enters the page in three ways: as text (escaped by the template, or set as textContent by the scripts), as the
address of a link, and in the one JSON block that the scripts read.
"""

import re
from typing import Any, Final

import msgspec

from collector.settings.escape import escape

MAX_LENGTH: Final = 300  # longer texts are cut, so that one value does not fill the page
_LINK: Final = re.compile(r"https?://[^\s\\\"'<>`]+")


def escaped(text: str, longest: int = MAX_LENGTH) -> str:
    """Return the text cut to `longest` characters, with unsafe characters as escapes."""
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")


def safe_link(text: str | None) -> str | None:
    """Return the address if a link may lead there: it begins with https:// or http:// and holds nothing unusual."""
    return text if text is not None and _LINK.fullmatch(text) else None


def json_block(document: Any) -> str:
    """Return JSON that may stand inside a script element: it cannot end the element or begin another."""
    text = msgspec.json.encode(document).decode()
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)

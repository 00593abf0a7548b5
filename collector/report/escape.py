"""What comes from outside is shown, and does nothing.

Three doors lead from data into the page: text (escaped by the template, or set as textContent by the scripts),
addresses of links, and the one JSON block that the scripts read.
"""

import re
from typing import Any, Final

import msgspec

# Longer texts are cut: nobody reads them in a table, and one value must not fill the page.
LONGEST: Final = 300
# Controls and bidirectional overrides can turn a line around or hide a part of it; joiners of emoji stay.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]")
_ADDRESS: Final = re.compile(r"https?://[^\s\\\"'<>`]+")
_IN_SCRIPT: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def shown(text: str, longest: int = LONGEST) -> str:
    """The text as a page shows it: what could act on the line as an escape, cut to `longest` characters."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def address(text: str | None) -> str | None:
    """The address when a link may lead there: it begins with https:// or http:// and holds nothing odd."""
    return text if text is not None and _ADDRESS.fullmatch(text) else None


def json_block(document: Any) -> str:
    """JSON that may stand inside a script element: it cannot end the element, begin another, or break a line."""
    text = msgspec.json.encode(document).decode()
    return re.sub("[<>&\u2028\u2029]", lambda found: _IN_SCRIPT[found[0]], text)

"""JSON whose texts are not all texts: halves of characters, and bytes that are none.

A program that cuts a name in the middle of an emoji leaves half of a pair behind (`\\ud83d`); an old one may send Latin-1.
No strict decoder takes such a body, so one bad name would cost its whole page. Here it is read all the same, and a mark
stands where there was no character: decode.py finds it, and quarantines that one item.
"""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

from collector.buddy.placeholders import NO_CHARACTER

# What Python makes of half a pair, and, while decoding bytes, of a byte that belongs to no character.
_NONE = re.compile("[\ud800-\udfff]")


def repaired(body: bytes) -> bytes | None:
    """Return a body that no decoder takes for its characters as JSON that each takes, None when it has another fault."""
    try:
        text = body.decode("utf-8", "surrogateescape")
        document = json.loads(text, parse_constant=_refused, parse_float=_finite)
        found, count = _with_marks(document)
        return msgspec.json.encode(found) if count else None
    except (ValueError, RecursionError, OverflowError):
        return None


def place_of_placeholder(value: Any, at: str) -> str | None:
    """Return the JSON path of the first text in a JSON value that holds a mark, None when there is none."""
    if isinstance(value, str):
        return at if NO_CHARACTER in value else None
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in places:
        if isinstance(name, str) and NO_CHARACTER in name:
            return at
        below = f"{at}.{name}" if isinstance(name, str) else f"{at}[{name}]"
        if (found := place_of_placeholder(inner, below)) is not None:
            return found
    return None


def _with_marks(value: Any) -> tuple[Any, int]:
    """Return a JSON value with its texts marked, and how many marks that took."""
    if isinstance(value, str):
        return _NONE.subn(lambda half: f"{NO_CHARACTER}{ord(half[0]):04X}]", value)
    if isinstance(value, list):
        pairs = [_with_marks(each) for each in value]
        return [each for each, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        members = [(_with_marks(name), _with_marks(each)) for name, each in value.items()]
        return {name: each for (name, _), (each, _) in members}, sum(n + m for (_, n), (_, m) in members)
    return value, 0


def _finite(number: str) -> float:
    return value if math.isfinite(value := float(number)) else _refused(number)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")

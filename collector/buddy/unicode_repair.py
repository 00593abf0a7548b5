"""Repairs JSON with invalid unicode: lone surrogates, and bytes that are not UTF-8.

A program that cuts a name in the middle of an emoji leaves a lone surrogate (`\\ud83d`); an old one may send Latin-1.
No strict decoder accepts such a body, so one bad name would cost its whole page. Here a placeholder replaces each
invalid character: decode.py finds it, and quarantines that one item.
"""

import json
import math
import re
from typing import Any, NoReturn

from collector.buddy.placeholders import NO_CHARACTER

# Lone surrogates; Python decodes a byte that is not UTF-8 to one of these as well.
_INVALID = re.compile("[\ud800-\udfff]")


def repaired(body: bytes) -> bytes | None:
    """Return a body that has invalid characters as JSON that every decoder accepts, None when it has another fault."""
    try:
        text = body.decode("utf-8", "surrogateescape")
        document = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        # A placeholder needs no escaping, so it can be put into the JSON text itself.
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        replaced, count = _INVALID.subn(lambda found: f"{NO_CHARACTER}{ord(found[0]):04X}]", text)
        return replaced.encode() if count else None
    except (ValueError, RecursionError, OverflowError):
        return None


def place_of_placeholder(value: Any, at: str) -> str | None:
    """Return the JSON path of the first text in a JSON value that holds a placeholder, None when there is none."""
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


def _finite(number: str) -> float:
    return value if math.isfinite(value := float(number)) else _refuse(number)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

"""Buddy's error messages: where they are in a body, and what they mean.

Several forms are in use (buddy-api.md, section 6): `{"errors": [{"message": …}]}` everywhere, `{"error": …}` from
OAuth, `{"message": …}` perhaps for single objects. A message is foreign text that ends on terminals and in tables, so
its length is bounded and it has no control characters.
"""

import re
from typing import Literal

from collector.buddy.userinfo import redact_passwords
from collector.settings.escape import UNSAFE

MAX_CHARACTERS = 500

# The kinds of design.md's problems.kind that a status and a message can mean, and the rate limit, which is no problem.
Meaning = Literal[
    "unauthorised", "forbidden", "gone", "api_disabled", "frozen", "redirect_refused", "http_error", "rate_limited"
]

_RATE = re.compile(r"rate.?limit", re.IGNORECASE)
_DISABLED = re.compile(r"\bAPI is disabled", re.IGNORECASE)
_FROZEN = re.compile(r"only active workspace", re.IGNORECASE)


def message_in(document: object) -> str | None:
    """Return the message of an error document on one safe line of at most MAX_CHARACTERS, None when it has none."""
    if not isinstance(document, dict):
        return None
    errors = document.get("errors")
    found = [_text(each) for each in errors[:20]] if isinstance(errors, list) else [_text(errors)]
    messages = [text for text in found if text]
    if not messages:
        messages = [text for text in (_text(document.get("error")), _text(document.get("message"))) if text][:1]
    return one_line("; ".join(messages)) if messages else None


def _text(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("message")
    return value if isinstance(value, str) and value.strip() else None


def one_line(text: str) -> str:
    """Return foreign text without control characters and line ends, cut to MAX_CHARACTERS."""
    # Cut before the work, with room for the spaces that are removed, and for a password that a cut would hide.
    spaced = " ".join(redact_passwords(text[: MAX_CHARACTERS * 16])[: MAX_CHARACTERS * 4].split())
    safe = UNSAFE.sub("\N{REPLACEMENT CHARACTER}", spaced)
    return safe if len(safe) <= MAX_CHARACTERS else safe[: MAX_CHARACTERS - 1] + "…"


def meaning_of(status: int, message: str | None) -> Meaning:
    """Return the meaning of a reply that is no success; `message` is the result of `message_in`.

    The rate limit refused with 403 in older versions and with 429 now; "API is disabled" comes with 400 or 403; a
    frozen workspace with 403. A 304 is no redirect: nothing was asked that it could answer.
    """
    text = message or ""
    if status == 429 or (status in {200, 403} and _RATE.search(text)):
        return "rate_limited"
    if status == 401:
        return "unauthorised"
    if _DISABLED.search(text) and status in {200, 400, 403}:
        return "api_disabled"
    if _FROZEN.search(text) and status in {200, 400, 403}:
        return "frozen"
    if status == 403:
        return "forbidden"
    if status in {404, 410}:
        return "gone"
    return "redirect_refused" if 300 <= status < 400 and status != 304 else "http_error"

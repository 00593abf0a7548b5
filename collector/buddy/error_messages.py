"""What Buddy says when it does not give what was asked: the message in a body, and what it means.

Several spellings are in use (buddy-api.md, section 6): `{"errors": [{"message": …}]}` everywhere, `{"error":
…}` from OAuth, `{"message": …}` perhaps for single objects. A message is foreign text: it ends on terminals
and in tables, so it is bounded and carries no control characters.
"""

import re
from typing import Literal

from collector.buddy.userinfo import without_passwords

__all__ = ["LONGEST", "Meaning", "meaning_of", "message_in", "one_line"]

LONGEST = 500

# The kinds of design.md's problems.kind that a status and a message can mean, and the refusal, which is no
# problem.
Meaning = Literal[
    "unauthorised", "forbidden", "gone", "api_disabled", "frozen", "redirect_refused", "http_error", "rate_refusal"
]

_RATE = re.compile(r"rate.?limit", re.IGNORECASE)
_DISABLED = re.compile(r"\bAPI is disabled", re.IGNORECASE)
_FROZEN = re.compile(r"only active workspace", re.IGNORECASE)
# C0, C1 and DEL drive terminals; the others reorder or hide text on a screen; lone surrogates cannot be
# written as UTF-8.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def message_in(document: object) -> str | None:
    """Return the message of an error document on one safe line of at most LONGEST characters, None when it
    has none.
    """
    if not isinstance(document, dict):
        return None
    errors = document.get("errors")
    found = [_text(each) for each in errors[:20]] if isinstance(errors, list) else [_text(errors)]
    told = [text for text in found if text]
    if not told:
        told = [text for text in (_text(document.get("error")), _text(document.get("message"))) if text][:1]
    return one_line("; ".join(told)) if told else None


def _text(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("message")
    return value if isinstance(value, str) and value.strip() else None


def one_line(text: str) -> str:
    """Return foreign text without control characters and line ends, cut to LONGEST characters."""
    # Cut before the work, with room for what the joining of spaces removes, and for a password that a cut would hide from
    # whoever looks for it later.
    spaced = " ".join(without_passwords(text[: LONGEST * 16])[: LONGEST * 4].split())
    safe = _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", spaced)
    return safe if len(safe) <= LONGEST else safe[: LONGEST - 1] + "…"


def meaning_of(status: int, message: str | None) -> Meaning:
    """Return what a reply that is no success means; `message` is what `message_in` found.

    A refusal by the rate limit was 403 in older versions and is 429 now; "API is disabled" is told with 400
    or 403; a frozen workspace with 403. A 304 is no redirect: nothing was asked that it could answer.
    """
    told = message or ""
    if status == 429 or (status in {200, 403} and _RATE.search(told)):
        return "rate_refusal"
    if status == 401:
        return "unauthorised"
    if _DISABLED.search(told) and status in {200, 400, 403}:
        return "api_disabled"
    if _FROZEN.search(told) and status in {200, 400, 403}:
        return "frozen"
    if status == 403:
        return "forbidden"
    if status in {404, 410}:
        return "gone"
    return "redirect_refused" if 300 <= status < 400 and status != 304 else "http_error"

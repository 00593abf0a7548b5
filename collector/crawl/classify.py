"""What to do about one reply: accept it, wait, ask again, record it and go on, or stop. Pure; the table of
design.md section 6.

Strategy. A reply is accepted only when it is what was asked for: a success, a JSON object, and holding its
list. Whatever can be an accident of transport is asked again (a 5xx, half a body, HTML from a proxy); what
Buddy meant is recorded at once.

Rules for whoever edits this file: a body is decoded once; foreign text leaves through `messages.one_line`; a
document may hold variables' values, so it is handed on as `document` for the redactor, and `raw` is only ever
text that cannot hold one.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from collector.buddy.error_messages import meaning_of, message_in, one_line
from collector.buddy.unicode_repair import repaired

__all__ = [
    "Accept", "Failure", "FailureKind", "Permanent", "RateLimited", "Retry", "Abort", "Classification", "asked_again",
    "classify_response",
]  # fmt: skip

FailureKind = Literal[
    "unauthorised", "forbidden", "gone", "api_disabled", "frozen", "http_error", "connection", "timeout",
    "too_large", "redirect_refused", "not_json", "not_understood",
]  # fmt: skip

# More than is kept, so that a telling word just behind the cut still tells.
_LOOKED_AT = 8192
# Text with these words, or with escapes that could spell them, may hold a secret.
_TELLTALE = re.compile(r"value|pass|token|secret|key|\\u", re.IGNORECASE)


class Failure(msgspec.Struct, frozen=True):
    """Why one request yielded nothing: `kind` as in problems.kind, a message for people, and what came
    instead.

    `document` is the decoded body where it was JSON: unredacted, and therefore not part of any repr. `raw` is
    the beginning of a body that was no JSON, or a sentence about it.
    """

    kind: FailureKind
    http_status: int | None
    message: str
    raw: str | None = None
    document: Any = None

    def __repr__(self) -> str:
        return f"Failure(kind={self.kind!r}, http_status={self.http_status!r}, message={self.message!r})"


class Accept(msgspec.Struct, frozen=True):
    """The reply is what was asked for; its repr leaves the document out, for it may hold secrets.

    `body` is what to keep in place of the one that came, where that held no characters (buddy/characters.py).
    """

    document: dict[str, Any]
    body: bytes | None = None

    def __repr__(self) -> str:
        return "Accept(…)"


class RateLimited(msgspec.Struct, frozen=True):
    """The rate limit: wait for the pace and ask again; nobody's failure."""

    status: int
    message: str


class Retry(msgspec.Struct, frozen=True):
    """Perhaps an accident: ask again, and record `failure` when there are no attempts left."""

    failure: Failure


class Permanent(msgspec.Struct, frozen=True):
    """Buddy meant it: asking again would not change the answer."""

    failure: Failure


class Abort(msgspec.Struct, frozen=True):
    """The token is not accepted: every further request would fail alike."""

    failure: Failure


Classification: TypeAlias = Accept | RateLimited | Retry | Permanent | Abort

_NOTHING: Any = object()
# Beside the 5xx, the statuses that are accidents: a request timeout, and an answer to a condition that nobody sent.
_ACCIDENTS = frozenset({304, 408})
# Buddy's deepest documented object has six levels. Journal and `extra` are encoded again, where recursion has an end.
_DEEPEST = 100


def classify_response(status: int, headers: Mapping[str, str], body: bytes, list_key: str | None) -> Classification:
    """Judge one whole reply; `list_key` names the member that must hold a list, None when an object was asked
    for.
    """
    document, instead = _decoded(body)
    if 200 <= status < 300:
        return _success(status, headers, body, document, list_key, instead)
    said = message_in(document)
    meaning = meaning_of(status, said)
    if meaning == "rate_refusal":
        return RateLimited(status, said or f"HTTP {status}")
    if meaning == "redirect_refused":
        return Permanent(Failure(meaning, status, _redirect(status, headers)))
    failure = _failure(meaning, status, said, headers, body, document)
    if meaning == "unauthorised":
        return Abort(failure)
    # A status below 200 says that the real reply is still to come, but this was the last one.
    accident = status >= 500 or status < 200 or status in _ACCIDENTS
    return Retry(failure) if accident else Permanent(failure)


def asked_again(said: Classification) -> Retry | None:
    """Return what to do about the first 404 of a list whose parent was just listed: ask once more. None for others.

    Only a second 404 says that the parent is gone; where no second answer comes, nobody knows.
    """
    if not isinstance(said, Permanent) or said.failure.kind != "gone":
        return None
    return Retry(replace(said.failure, kind="http_error"))


def _decoded(body: bytes) -> tuple[Any, bytes | None]:
    """Return the JSON of a body, or that there is none; and what to keep of one that can be read only with marks."""
    try:
        document, instead = msgspec.json.decode(body), None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        instead = repaired(body)
        if instead is None:
            return _NOTHING, None
        document = msgspec.json.decode(instead)
    return (document, instead) if _is_shallow(body, document) else (_NOTHING, None)


def _is_shallow(body: bytes, document: Any) -> bool:
    """Say whether a document is nested less deep than whatever handles it later can follow.

    Most bodies have too few brackets to be deep, which is quickly seen; only the others are walked.
    """
    if body.count(b"{") + body.count(b"[") <= _DEEPEST:
        return True
    level, depth = [document], 0
    while level and depth <= _DEEPEST:
        inner = (node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list))
        level, depth = [child for children in inner for child in children], depth + 1
    return depth <= _DEEPEST


def _success(
    status: int, headers: Mapping[str, str], body: bytes, document: Any, list_key: str | None, instead: bytes | None
) -> Classification:
    if document is _NOTHING:
        return Retry(_failure("not_json", status, None, headers, body, document))
    if not isinstance(document, dict):
        return Retry(Failure("not_understood", status, "the reply is JSON, but not an object", None, document))
    # PHP's test data show `errors` inside a 200 (buddy-api.md, section 6).
    if document.get("errors"):
        said = message_in(document)
        meaning = meaning_of(200, said)
        if meaning == "rate_refusal":
            return RateLimited(status, said or f"HTTP {status}")
        failure = _failure(meaning, status, said, headers, body, document)
        return Retry(failure) if meaning == "http_error" else Permanent(failure)
    if list_key is not None and not isinstance(document.get(list_key), list):
        told = message_in(document)
        what = f"the reply holds no list {list_key!r}" + (f" but says: {told}" if told else "")
        return Retry(Failure("not_understood", status, one_line(what), None, document))
    return Accept(document, instead)


def _failure(
    kind: FailureKind, status: int, said: str | None, headers: Mapping[str, str], body: bytes, document: Any
) -> Failure:
    if document is not _NOTHING:
        return Failure(kind, status, said or f"HTTP {status}", None, document)
    described = _described(headers, body)
    if kind == "not_json":
        return Failure(kind, status, f"HTTP {status}, but the body is not JSON: {described}", _raw(body, described))
    return Failure(kind, status, f"HTTP {status}: {described}", _raw(body, described))


def _described(headers: Mapping[str, str], body: bytes) -> str:
    if not body:
        return "an empty body"
    content_type = one_line(headers.get("Content-Type", "no content type")[:100])
    return f"{len(body):,} bytes of {content_type}"


def _raw(body: bytes, described: str) -> str | None:
    """Return the beginning of a body that is no JSON, or its description where it might hold a secret."""
    if not body:
        return None
    beginning = body[:_LOOKED_AT]
    try:
        # Incremental, because the cut may go through a character.
        text = getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return described
    # A NUL between the letters (UTF-16) would hide the telling words from the pattern, but not from a reader.
    return described if "\x00" in text or _TELLTALE.search(text) else one_line(text)


def _redirect(status: int, headers: Mapping[str, str]) -> str:
    """Say whither, without path and query: a login page's address may carry more than a name."""
    try:
        target = urlsplit(headers.get("Location", ""))
        host = one_line(f"{target.scheme}://{target.hostname}"[:200]) if target.hostname else "another path"
    except ValueError:
        host = "an address that is no URL"
    return f"HTTP {status}: redirected to {host}, and redirects are refused; check the API URL"

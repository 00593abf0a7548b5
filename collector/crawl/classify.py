"""What to do about one reply: accept it, wait, retry, record it and go on, or stop (design.md, section 6). Pure.

A reply is accepted only when it is what was asked for: a success, a JSON object, and holding its list. Whatever can be
an accident of transport is retried (a 5xx, half a body, HTML from a proxy); what Buddy meant is recorded at once.

Rules for whoever edits this file: a body is decoded once; foreign text leaves through `error_messages.one_line`; a
document may hold the values of variables, so it is passed on as `document` to the redactor, and `raw` is only ever text
that cannot hold one.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from collector.buddy.error_messages import meaning_of, message_in, one_line
from collector.buddy.scope_headers import scopes_in
from collector.buddy.unicode_repair import repaired

FailureKind = Literal[
    "unauthorised", "forbidden", "gone", "api_disabled", "frozen", "http_error", "connection", "timeout",
    "too_large", "redirect_refused", "not_json", "not_understood",
]  # fmt: skip

# More than is kept, so that a suspect word just behind the cut is found.
_EXAMINED_BYTES = 8192
# Text with these words, or with escapes that could spell them, may hold a secret.
_SUSPECT = re.compile(r"value|pass|token|secret|key|\\u", re.IGNORECASE)


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one request failed, from the wire to the journal: `kind` as in problems.kind, and a message for people.

    `raw` is the beginning of a body that was not JSON, or a sentence about it. `document` is the decoded body where it
    was JSON: unredacted, and therefore not part of the repr; the redactor turns it into `raw`.
    """

    kind: FailureKind
    http_status: int | None
    message: str
    raw: str | None = None
    document: Any = None

    def __repr__(self) -> str:
        return f"Failure(kind={self.kind!r}, http_status={self.http_status!r}, message={self.message!r})"


class Accept(msgspec.Struct, frozen=True):
    """The reply is what was asked for; its repr leaves the document out, because it may hold secrets.

    `body` is the repaired body where the one received held invalid characters (buddy/unicode_repair.py).
    """

    document: dict[str, Any]
    body: bytes | None = None

    def __repr__(self) -> str:
        return "Accept(…)"


class RateLimited(msgspec.Struct, frozen=True):
    """The rate limit refused the request: wait and ask again; this is no failure."""

    status: int
    message: str


class Retry(msgspec.Struct, frozen=True):
    """It may be an accident: ask again, and record `failure` when no attempts are left."""

    failure: Failure


class Permanent(msgspec.Struct, frozen=True):
    """Asking again would not change the answer: record `failure`."""

    failure: Failure


class Abort(msgspec.Struct, frozen=True):
    """The token is not accepted: every further request would fail in the same way."""

    failure: Failure


Classification: TypeAlias = Accept | RateLimited | Retry | Permanent | Abort

_NO_JSON: Any = object()
# Beside the 5xx, the statuses that are accidents: a request timeout, and an answer to a condition that was not sent.
_TRANSIENT_STATUSES = frozenset({304, 408})
# Buddy's deepest documented object has six levels. Journal and `extra` are encoded again, where recursion has an end.
_MAX_DEPTH = 100


def classify_response(status: int, headers: Mapping[str, str], body: bytes, list_key: str | None) -> Classification:
    """Classify one complete reply; `list_key` names the member that must hold a list, None for a single object."""
    document, repaired_body = _decode(body)
    succeeded = 200 <= status < 300
    if succeeded and document is _NO_JSON:
        return Retry(_failure("not_json", status, "the body is not JSON", headers, body, document))
    if succeeded and not isinstance(document, dict):
        return Retry(Failure("not_understood", status, "the reply is JSON, but not an object", None, document))
    # PHP's test data show `errors` inside a 200 (buddy-api.md, section 6).
    has_content = succeeded and not document.get("errors")
    if has_content and (list_key is None or isinstance(document.get(list_key), list)):
        return Accept(document, repaired_body)
    message = message_in(document)
    if has_content:
        what = f"the reply holds no list {list_key!r}" + (f" but says: {message}" if message else "")
        return Retry(Failure("not_understood", status, one_line(what), None, document))
    meaning = meaning_of(200 if succeeded else status, message)
    if meaning == "rate_limited":
        return RateLimited(status, message or f"HTTP {status}")
    if meaning == "redirect_refused":
        return Permanent(Failure(meaning, status, _redirect(status, headers)))
    failure = _failure(meaning, status, message, headers, body, document)
    if meaning in ("unauthorised", "forbidden") and (scopes := scopes_in(headers)) is not None:
        failure = replace(failure, message=f"{failure.message.rstrip('.')}; {scopes}")
    if meaning == "unauthorised":
        return Abort(failure)
    # A status below 200 announces the real reply, but this was the last one.
    transient = status >= 500 or status < 200 or status in _TRANSIENT_STATUSES
    return Retry(failure) if transient or (succeeded and meaning == "http_error") else Permanent(failure)


def confirm_gone(classified: Classification) -> Retry | None:
    """Return a retry for the first 404 of a list whose parent was just listed, None for anything else.

    Only a second 404 says that the parent is gone; where no second answer comes, that is not known.
    """
    if not isinstance(classified, Permanent) or classified.failure.kind != "gone":
        return None
    return Retry(replace(classified.failure, kind="http_error"))


def _decode(body: bytes) -> tuple[Any, bytes | None]:
    """Return the JSON of a body, or that there is none; and the repaired body where only that can be decoded."""
    try:
        document, repaired_body = msgspec.json.decode(body), None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        repaired_body = repaired(body)
        if repaired_body is None:
            return _NO_JSON, None
        document = msgspec.json.decode(repaired_body)
    return (document, repaired_body) if _is_shallow(body, document) else (_NO_JSON, None)


def _is_shallow(body: bytes, document: Any) -> bool:
    """Return whether a document is nested no deeper than the code that handles it later can follow.

    Most bodies have too few brackets to be deep, which is quick to see; only the others are walked.
    """
    if body.count(b"{") + body.count(b"[") <= _MAX_DEPTH:
        return True
    level, depth = [document], 0
    while level and depth <= _MAX_DEPTH:
        inner = (node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list))
        level, depth = [child for children in inner for child in children], depth + 1
    return depth <= _MAX_DEPTH


def _failure(
    kind: FailureKind, status: int, message: str | None, headers: Mapping[str, str], body: bytes, document: Any
) -> Failure:
    if document is not _NO_JSON:
        return Failure(kind, status, message or f"HTTP {status}", None, document)
    content_type = one_line(headers.get("Content-Type", "no content type")[:100])
    description = f"{len(body):,} bytes of {content_type}" if body else "an empty body"
    what = f"HTTP {status}, but {message}" if message else f"HTTP {status}"
    return Failure(kind, status, f"{what}: {description}", _raw(body, description))


def _raw(body: bytes, description: str) -> str | None:
    """Return the beginning of a body that is not JSON, or its description where it might hold a secret."""
    if not body:
        return None
    beginning = body[:_EXAMINED_BYTES]
    try:
        # Incremental, because the cut may go through a character.
        text = getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return description
    # A NUL between the letters (UTF-16) would hide the suspect words from the pattern, but not from a reader.
    return description if "\x00" in text or _SUSPECT.search(text) else one_line(text)


def _redirect(status: int, headers: Mapping[str, str]) -> str:
    """Return the host of a redirect, without path and query: the address of a login page may hold more than a name."""
    try:
        target = urlsplit(headers.get("Location", ""))
        host = one_line(f"{target.scheme}://{target.hostname}"[:200]) if target.hostname else "another path"
    except ValueError:
        host = "an address that is no URL"
    return f"HTTP {status}: redirected to {host}, and redirects are refused; check the API URL"

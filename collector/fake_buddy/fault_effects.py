"""What a fault makes of a true_reply reply: another status, another body, another conduct on the wire."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from . import json_path as json_paths
from .faults import Fault
from .rate_window import RateWindow
from .responses import Response, errors, page_of, turned_to
from .routes import Route

_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>"
_GIBIBYTE = 1 << 30
_ABSURD = "99999999999999999999"
_SKEW_SECONDS = 3600
_CUT = "a text that is cut in the middle of a character"
_WITHOUT_BODY = (204, 304)
_MESSAGES = {
    400: "Bad request",
    401: "Wrong authentication data",
    403: "You don't have permission to access this resource.",
    404: "Resource not found",
    429: "Rate limit exceeded.",
}


@dataclass(frozen=True, slots=True)
class OutgoingReply:
    """What goes on the wire, and in which manner; `size` is what a bomb inflates to."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    conduct: str = "send"
    seconds: float = 0.0
    size: int = 0


def true_reply(answer: Response) -> OutgoingReply:
    """Return the reply that an answer is when nothing goes wrong."""
    return OutgoingReply(answer.status, answer.body)


def web_page(title: str) -> OutgoingReply:
    """Return an HTML page where JSON was expected, as a proxy or the web interface would."""
    text = title.encode()
    return OutgoingReply(200, _PAGE % (text, text), dict(_HTML))


def rate_limited(code: int) -> OutgoingReply:
    """Return a refusal by rate, in the newer (429) or the older (403) way."""
    return true_reply(errors(code, "Rate limit exceeded."))


def rewrite_route(route: Route, fault: Fault) -> Route:
    """Return the request as a server that mistakes pages understands it."""
    if fault.do == "ignore_page":
        return turned_to(route, 1)
    if fault.do == "repeat_page":
        return turned_to(route, max(1, page_of(route) - 1))
    return route


def apply(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    """Return the reply that a fault makes of an answer."""
    make = _MAKERS.get(fault.do)
    return true_reply(answer) if make is None else make(fault, answer, window)


def _status(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    code = fault.code or 503
    own = dict(fault.headers or {})
    if code in _WITHOUT_BODY:
        return OutgoingReply(code, b"", own)
    if isinstance(fault.body, str):
        return OutgoingReply(code, fault.body.encode(), {"Content-Type": "text/plain", **own})
    if fault.body is not None:
        return OutgoingReply(code, msgspec.json.encode(fault.body), {**_JSON, **own})
    if code >= 500 and fault.message is None:  # a gateway answers in HTML, not in Buddy's shape
        return OutgoingReply(code, _PAGE % (b"%d" % code, b"upstream failed"), {**_HTML, **own})
    message = fault.message or _MESSAGES.get(code, "Something went wrong")
    return OutgoingReply(code, errors(code, message).body, {**_JSON, **own})


def _limited(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    reply = rate_limited(fault.code or 429)
    if fault.reset == "absent":
        return reply
    headers = window.headers_now(0)
    now = window.clock()
    if fault.reset == "past":
        headers["X-Rate-Limit-Reset"] = str(int(now) - 60)
    elif fault.reset == "absurd":
        headers["X-Rate-Limit-Reset"] = _ABSURD if fault.value is None else str(fault.value)
    elif fault.reset == "skewed":
        headers["X-Rate-Limit-Reset"] = str(int(headers["X-Rate-Limit-Reset"]) + _SKEW_SECONDS)
    elif fault.seconds:
        headers["X-Rate-Limit-Reset"] = str(math.ceil(now + fault.seconds))
    return replace(reply, headers={**_JSON, **headers})


def _disabled(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(fault.code or 400, "API is disabled in this workspace."))


def _frozen(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(403, "Only active workspace have access to API"))


def _on_the_wire(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(answer.status, answer.body, conduct=fault.do, seconds=fault.seconds, size=fault.n or _GIBIBYTE)


def _gzip(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(answer.status, gzip.compress(answer.body), {**_JSON, "Content-Encoding": "gzip"})


def _broken_gzip(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    packed = gzip.compress(answer.body)
    # The gzip header stays whole; the first block after it is of a kind that does not exist.
    return OutgoingReply(
        answer.status, packed[:10] + b"\xff" * (len(packed) - 10), {**_JSON, "Content-Encoding": "gzip"}
    )


def _html(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return web_page("Buddy")


def _json(value: Any) -> OutgoingReply:
    return OutgoingReply(200, msgspec.json.encode(value))


def _wrong_shape(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return _json(fault.value)


def _errors_in_200(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return _json({"errors": [{"message": fault.message or "Something went wrong"}]})


def _empty(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(200, b"")


def _altered(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    document = msgspec.json.decode(answer.body)
    json_paths.put(document, fault.json_path or "", fault.value)
    return OutgoingReply(answer.status, msgspec.json.encode(document))


def _half_character(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    document = msgspec.json.decode(answer.body)
    json_paths.put(document, fault.json_path or "", _CUT)
    # No encoder would write it: it is put into the encoded text.
    return OutgoingReply(answer.status, msgspec.json.encode(document).replace(_CUT.encode(), rb"cut \ud83d"))


def _redirect(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(fault.code or 302, b"", {"Location": fault.to})


def _delay(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return replace(true_reply(answer), seconds=fault.seconds)


def _vanish(fault: Fault, answer: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(404, _MESSAGES[404]))


# What is not here leaves the answer as it is: the faults of pages, and `mutate`.
_MAKERS: dict[str, Callable[[Fault, Response, RateWindow], OutgoingReply]] = {
    "status": _status,
    "limited": _limited,
    "api_disabled": _disabled,
    "frozen": _frozen,
    **dict.fromkeys(("reset_before", "reset_during", "truncate", "bomb", "trickle", "hang"), _on_the_wire),
    "gzip": _gzip,
    "broken_gzip": _broken_gzip,
    "html": _html,
    "empty_body": _empty,
    "wrong_shape": _wrong_shape,
    "errors_in_200": _errors_in_200,
    "wrong_type": _altered,
    "extra_field": _altered,
    "half_character": _half_character,
    "redirect": _redirect,
    "delay": _delay,
    "vanish": _vanish,
}

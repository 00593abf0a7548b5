"""Apply a fault to a true response: another status, another body, or another conduct on the wire."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from .faults import Fault
from .json_path import set_value
from .rate_window import RateWindow
from .responses import Response, errors, page_of, with_page
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
    """What is sent, and how (`conduct`); `size` is the inflated size of a bomb."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    conduct: str = "send"
    seconds: float = 0.0
    size: int = 0


def true_reply(response: Response) -> OutgoingReply:
    """Return the reply for a response without a fault."""
    return OutgoingReply(response.status, response.body)


def web_page(title: str) -> OutgoingReply:
    """Return an HTML page instead of JSON, as a proxy or the web interface does."""
    text = title.encode()
    return OutgoingReply(200, _PAGE % (text, text), dict(_HTML))


def rate_limited(code: int) -> OutgoingReply:
    """Return a refusal by the rate limit; Buddy sends 429, formerly 403."""
    return true_reply(errors(code, "Rate limit exceeded."))


def rewrite_route(route: Route, fault: Fault) -> Route:
    """Return the route that is answered instead, for a fault that confuses pages."""
    if fault.do == "ignore_page":
        return with_page(route, 1)
    if fault.do == "repeat_page":
        return with_page(route, max(1, page_of(route) - 1))
    return route


def apply(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    """Return the reply that a fault makes of a response."""
    make = _MAKERS.get(fault.do)
    return true_reply(response) if make is None else make(fault, response, window)


def _status(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    code = fault.code or 503
    headers = dict(fault.headers or {})
    if code in _WITHOUT_BODY:
        return OutgoingReply(code, b"", headers)
    if isinstance(fault.body, str):
        return OutgoingReply(code, fault.body.encode(), {"Content-Type": "text/plain", **headers})
    if fault.body is not None:
        return OutgoingReply(code, msgspec.json.encode(fault.body), {**_JSON, **headers})
    if code >= 500 and fault.message is None:  # a gateway answers with HTML, not with Buddy's errors
        return OutgoingReply(code, _PAGE % (b"%d" % code, b"upstream failed"), {**_HTML, **headers})
    message = fault.message or _MESSAGES.get(code, "Something went wrong")
    return OutgoingReply(code, errors(code, message).body, {**_JSON, **headers})


def _limited(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
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


def _disabled(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(fault.code or 400, "API is disabled in this workspace."))


def _frozen(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(403, "Only active workspace have access to API"))


def _on_the_wire(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(
        response.status, response.body, conduct=fault.do, seconds=fault.seconds, size=fault.n or _GIBIBYTE
    )


def _gzip(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(response.status, gzip.compress(response.body), {**_JSON, "Content-Encoding": "gzip"})


def _broken_gzip(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    packed = gzip.compress(response.body)
    # The gzip header stays valid; the first block after it has an invalid type.
    return OutgoingReply(
        response.status, packed[:10] + b"\xff" * (len(packed) - 10), {**_JSON, "Content-Encoding": "gzip"}
    )


def _html(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return web_page("Buddy")


def _json(value: Any) -> OutgoingReply:
    return OutgoingReply(200, msgspec.json.encode(value))


def _wrong_shape(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return _json(fault.value)


def _errors_in_200(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return _json({"errors": [{"message": fault.message or "Something went wrong"}]})


def _empty(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(200, b"")


def _altered(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    document = msgspec.json.decode(response.body)
    set_value(document, fault.json_path or "", fault.value)
    return OutgoingReply(response.status, msgspec.json.encode(document))


def _half_character(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    document = msgspec.json.decode(response.body)
    set_value(document, fault.json_path or "", _CUT)
    # No encoder writes half of a character: it is inserted into the encoded text.
    return OutgoingReply(response.status, msgspec.json.encode(document).replace(_CUT.encode(), rb"cut \ud83d"))


def _redirect(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return OutgoingReply(fault.code or 302, b"", {"Location": fault.to})


def _delay(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return replace(true_reply(response), seconds=fault.seconds)


def _vanish(fault: Fault, response: Response, window: RateWindow) -> OutgoingReply:
    return true_reply(errors(404, _MESSAGES[404]))


# Faults that are not listed leave the response as it is: those of pages, and `mutate`.
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

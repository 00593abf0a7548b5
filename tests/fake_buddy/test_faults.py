"""Each fault as a client sees it."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.fake_buddy import FAULTS, FakeBuddy, FakeWorld, Fault
from tests.fake_buddy.asking import ClientReply, ask, body_of, get, path_of, read_raw

PIPELINES = path_of("acme", "web-shop", kind="pipelines")
PROMOTION = next(item["id"] for item in FakeWorld().actions("acme", "web-shop", 106) if item["type"] == "PROMOTE_IMAGE")
ACTION = path_of("acme", "web-shop", 106, PROMOTION)
TRUTH = FakeWorld().action("acme", "web-shop", 106, PROMOTION)


def hit(fault: Fault, path: str = ACTION, **query: Any) -> ClientReply:
    """Return the reply to one request that the fault hits."""
    with FakeBuddy(FakeWorld(), script=[fault]) as fake:
        reply = get(fake, path, **query)
        assert fake.arrivals[0].fault == fault.do
        return reply


def raw(fault: Fault, **options: Any) -> tuple[bytes, str]:
    """Return the raw bytes of a reply that the fault hits, and why reading ended."""
    with FakeBuddy(FakeWorld(), script=[fault]) as fake:
        return read_raw(fake, ACTION, **options)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429])
def test_a_client_error_has_buddys_format(code: int) -> None:
    """A 4xx status is sent with Buddy's errors as its body."""
    reply = hit(Fault("status", code=code))
    assert reply.status == code
    assert reply.message


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_error_is_html(code: int) -> None:
    """A 5xx status is sent with an HTML page."""
    reply = hit(Fault("status", code=code))
    assert reply.status == code
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_status_with_a_body_and_headers() -> None:
    """A status can have any text or JSON as its body, and its own headers."""
    assert hit(Fault("status", code=500, body="oops")).body == b"oops"
    reply = hit(Fault("status", code=503, body={"error": "x"}, headers={"Retry-After": "7"}))
    assert reply.json == {"error": "x"}
    assert reply.headers["Retry-After"] == "7"


@pytest.mark.parametrize("code", [429, 403])
@pytest.mark.parametrize(
    ("reset", "low", "high"), [("good", 0, 3), ("past", -70, -50), ("skewed", 3590, 3610), ("absurd", 10**19, 10**20)]
)
def test_limited(code: int, reset: str, low: int, high: int) -> None:
    """The reset of a scripted refusal is right, past, an hour off or absurd relative to its Date."""
    reply = hit(Fault("limited", code=code, reset=reset))
    ahead = int(reply.headers["X-Rate-Limit-Reset"]) - parsedate_to_datetime(reply.headers["Date"]).timestamp()
    assert (reply.status, reply.message) == (code, "Rate limit exceeded.")
    assert low <= ahead <= high
    assert reply.headers["X-Rate-Limit-Remaining"] == "0"


def test_limited_without_or_with_a_given_reset() -> None:
    """The headers of a scripted refusal can be absent, any text, or a given time ahead."""
    assert "X-Rate-Limit-Reset" not in hit(Fault("limited", reset="absent")).headers
    assert hit(Fault("limited", reset="absurd", value="soon")).headers["X-Rate-Limit-Reset"] == "soon"
    assert int(hit(Fault("limited", seconds=30)).headers["X-Rate-Limit-Reset"]) - time.time() > 28


def test_a_scripted_refusal_spends_nothing() -> None:
    """A scripted refusal does not use the window's budget."""
    with FakeBuddy(FakeWorld(), limit=3, window=3600.0, script=[Fault("limited")]) as fake:
        assert [reply.status for reply in ask(fake, *["/workspaces"] * 5)] == [429, 200, 200, 200, 429]


@pytest.mark.parametrize("code", [400, 403])
def test_api_disabled(code: int) -> None:
    """A disabled API is reported with status 400 or 403."""
    reply = hit(Fault("api_disabled", code=code))
    assert (reply.status, reply.message) == (code, "API is disabled in this workspace.")


def test_frozen() -> None:
    """A frozen workspace is reported with the message that Terraform's provider checks for."""
    reply = hit(Fault("frozen"))
    assert (reply.status, reply.message) == (403, "Only active workspace have access to API")


def test_reset_before() -> None:
    """The connection is reset before the first byte."""
    assert raw(Fault("reset_before")) == (b"", "reset")


def test_reset_during() -> None:
    """Half of the body is sent, then the connection is reset."""
    got, end = raw(Fault("reset_during"))
    assert end == "reset"
    assert got.startswith(b"HTTP/1.1 200 ")
    assert len(body_of(got)) == len(json.dumps(TRUTH, separators=(",", ":"), ensure_ascii=False).encode()) // 2


def test_truncate() -> None:
    """The connection closes normally after fewer bytes than announced."""
    got, end = raw(Fault("truncate"))
    announced = int(got.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert end == "closed"
    assert 0 < len(body_of(got)) < announced


def test_gzip() -> None:
    """The true reply is compressed."""
    got, _ = raw(Fault("gzip"))
    assert b"content-encoding: gzip" in got.lower()
    assert json.loads(gzip.decompress(body_of(got))) == TRUTH


def test_broken_gzip() -> None:
    """A reply announced as compressed cannot be inflated."""
    got, _ = raw(Fault("broken_gzip"))
    with pytest.raises(zlib.error):
        zlib.decompress(body_of(got), wbits=31)


def test_bomb() -> None:
    """A small valid reply inflates to the given size."""
    got, end = raw(Fault("bomb", n=100_000_001))
    packed = body_of(got)
    assert end == "closed"
    assert len(packed) < 200_000
    assert gzip.decompress(packed) == b" " * 100_000_001


def test_html() -> None:
    """An HTML page is sent with status 200."""
    reply = hit(Fault("html"))
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")


def test_empty_body() -> None:
    """An empty body is sent with status 200."""
    reply = hit(Fault("empty_body"))
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("value", [None, [], "text", 7, True, {}, {"pipelines": None}, [{"id": 1}]])
def test_wrong_shape(value: object) -> None:
    """Any JSON can be sent instead of an object with a list."""
    reply = hit(Fault("wrong_shape", value=value), PIPELINES)
    assert reply.status == 200
    assert reply.json == value


def test_errors_in_200() -> None:
    """Errors are sent with status 200."""
    reply = hit(Fault("errors_in_200", message="no"))
    assert reply.status == 200
    assert reply.json == {"errors": [{"message": "no"}]}


def test_wrong_type_and_extra_field() -> None:
    """One field of the true reply is wrong or added; the rest is unchanged."""
    assert hit(Fault("wrong_type", json_path="src.image", value=7)).json == {
        **TRUTH,
        "src": {**TRUTH["src"], "image": 7},
    }
    listed = FakeWorld().pipelines("acme", "web-shop")
    reply = hit(Fault("wrong_type", json_path="pipelines[1].id", value="x"), PIPELINES).json
    assert reply["pipelines"] == [listed[0], {**listed[1], "id": "x"}, *listed[2:]]
    reply = hit(Fault("extra_field", json_path="pipelines[*].colour", value="red"), PIPELINES).json
    assert reply["pipelines"] == [{**item, "colour": "red"} for item in listed]


def test_trickle() -> None:
    """The body is sent byte by byte and does not end."""
    started = time.monotonic()
    got, end = raw(Fault("trickle", seconds=0.005), limit=300)
    assert end == "enough"
    assert len(got) == 300
    assert time.monotonic() - started > 0.1
    silent, end = raw(Fault("trickle", seconds=60), timeout_s=0.3)
    assert end == "silence"
    assert body_of(silent) == b"{"


def test_hang() -> None:
    """Nothing is sent and the connection stays open; the log has status 0."""
    with FakeBuddy(FakeWorld(), script=[Fault("hang")]) as fake:
        assert read_raw(fake, ACTION, timeout_s=0.2) == (b"", "silence")
        assert fake.arrivals[0].status == 0


def test_a_hanging_server_stops_at_once() -> None:
    """Replies that never end do not delay the stop of the server."""
    with FakeBuddy(FakeWorld(), script=[Fault("hang"), Fault("trickle", seconds=9, nth=2)]) as fake:
        for _ in range(2):
            read_raw(fake, ACTION, timeout_s=0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 1


def test_redirect() -> None:
    """The client is redirected to another URL."""
    reply = hit(Fault("redirect", to="http://elsewhere.example/x", code=307))
    assert (reply.status, reply.headers["Location"]) == (307, "http://elsewhere.example/x")


def test_delay() -> None:
    """The true reply is delayed."""
    started = time.monotonic()
    assert hit(Fault("delay", seconds=0.2)).json == TRUTH
    assert time.monotonic() - started >= 0.2


def pages(fault: Fault) -> list[list[int]]:
    """Return the ids on three pages of two items, read under a fault."""
    with FakeBuddy(FakeWorld(pipelines=5), script=[fault]) as fake:
        replies = [get(fake, PIPELINES, page=page, per_page=2, sort_by="id").json for page in (1, 2, 3)]
    return [[item["id"] for item in reply["pipelines"]] for reply in replies]


def test_faults_of_pages() -> None:
    """Pages are ignored, repeated, or smaller than requested."""
    one, two, three = pages(Fault("delay", nth=99))
    assert pages(Fault("ignore_page", times=None)) == [one, one, one]
    assert pages(Fault("repeat_page", page=2)) == [one, one, three]
    assert pages(Fault("clamp", n=1, times=None)) == [[one[0]], [one[1]], [two[0]]]


def test_mutate_before_and_after() -> None:
    """Items move between pages while they are read: the world changes before or after a reply."""
    gone = FakeWorld(pipelines=5).pipelines("acme", "web-shop", "id")[0]["id"]
    one, two, three = pages(Fault("delay", nth=99))

    def without_first(world: FakeWorld) -> FakeWorld:
        return world.remove("acme", "web-shop", gone)

    shifted = [two[1], *three]
    assert pages(Fault("mutate", page=2, mutate=without_first)) == [one, shifted, []]
    assert pages(Fault("mutate", page=2, mutate=without_first, when="after")) == [one, two, []]


def test_half_character() -> None:
    """A text ends in half of an emoji: Python's decoder accepts it, a strict one does not."""
    reply = hit(Fault("half_character", json_path="src.image"))
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(reply.body)
    assert reply.json == {**TRUTH, "src": {**TRUTH["src"], "image": "cut \ud83d"}}


def test_mutate_to_a_night() -> None:
    """A mutation as plain data sets the night of the world."""
    with FakeBuddy(FakeWorld(), script=[Fault("mutate", night=3)]) as fake:
        get(fake, "/workspaces")
        assert fake.world.night == 3


def test_vanish() -> None:
    """From the hit on, the path and everything below it answer 404; its siblings do not."""
    with FakeBuddy(FakeWorld(), script=[Fault("vanish", path="*/web-shop/pipelines")]) as fake:
        paths = (ACTION, PIPELINES, PIPELINES, ACTION, path_of("acme", "checkout-api", kind="pipelines"))
        assert [reply.status for reply in ask(fake, *paths)] == [200, 404, 404, 404, 200]
        fake.script.clear()
        assert get(fake, ACTION).status == 200


def test_every_fault_has_a_test() -> None:
    """Every fault has a test in this file."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if f'Fault("{name}"' not in source] == []

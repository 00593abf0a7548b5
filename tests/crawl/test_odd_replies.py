"""Replies that no HTTP server should send: each is classified, and the next request is answered."""

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.connection_errors import classify_error
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from tests.crawl.fetching import ACTION, GOOD, LIST
from tests.crawl.fetching import ask as ask_with
from tests.crawl.wire import TOKEN, installation, reply, wire

LIMITS = Limits(attempts=2, retry_initial_s=0.001, connect_s=2.0, read_s=2.0, total_s=4.0, body_bytes=200_000)
ask = partial(ask_with, limits=LIMITS)
BOM = b"\xef\xbb\xbf"


def ok(*lines: bytes, body: bytes = b"{}", status: bytes = b"200 OK") -> bytes:
    """A reply of these header lines; Content-Length is added unless a line describes the body."""
    told = any(line.lower().startswith((b"content-length", b"transfer-encoding")) for line in lines)
    length = () if told else (b"Content-Length: %d" % len(body),)
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, *length, b"", body])


CHUNKED = b"Transfer-Encoding: chunked"
# Replies that are no answer, by what is odd about them, and the kind of the problem they become.
ODD: dict[str, tuple[bytes, str, int | None]] = {
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", "not_json", 204),
    "204, compressed": (b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n", "not_json", 204),
    "205": (ok(status=b"205 Reset", body=b""), "not_json", 205),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", "http_error", 304),
    "101": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "http_error", 101),
    "101, to nothing": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "http_error", 101),
    "000": (b"HTTP/1.1 000 None\r\n\r\n", "http_error", 0),
    **{str(s): (b"HTTP/1.1 %d Soon\r\n\r\n" % s, "connection", None) for s in (100, 102, 103, 199)},
    "600": (ok(status=b"600 Odd"), "http_error", 600),
    "999": (ok(status=b"999 Odd"), "http_error", 999),
    "a status of four digits": (ok(status=b"1000 Odd"), "connection", None),
    "a status in letters": (ok(status=b"abc OK"), "connection", None),
    "a status below zero": (ok(status=b"-20 OK"), "connection", None),
    "HTTP/0.9": (b'{"id": 1001}', "connection", None),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "connection", None),
    "another protocol": (b"ICY 200 OK\r\n\r\n", "connection", None),
    "two line ends": (b"\r\n\r\n", "connection", None),
    "a length below zero": (ok(b"Content-Length: -5"), "connection", None),
    "an absurd length": (ok(b"Content-Length: " + b"9" * 30), "connection", None),
    "two lengths": (ok(b"Content-Length: 2", b"Content-Length: 3"), "connection", None),
    "length and chunks": (ok(b"Content-Length: 2", CHUNKED, body=b"0\r\n\r\n"), "connection", None),
    "a chunk's size in letters": (ok(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"), "connection", None),
    "a chunk's size below zero": (ok(CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"), "connection", None),
    "an absurd size of a chunk": (ok(CHUNKED, body=b"f" * 20 + b"\r\n{}"), "connection", None),
    "a broken trailer": (ok(CHUNKED, body=b"2\r\n{}\r\n0\r\nX\r\n\r\n"), "connection", None),
    "a header without colon": (ok(b"Whatever"), "connection", None),
    "a header without name": (ok(b": x"), "connection", None),
    "a header's name with a space": (ok(b"X Y: z"), "connection", None),
    "a NUL in a header": (ok(b"X: \x00"), "connection", None),
    "a NUL in a charset": (ok(b'Content-Type: application/json; charset="\xff\x00"'), "connection", None),
    "a header that is too long": (ok(b"X: " + b"y" * 70_000), "connection", None),
    "too many headers": (ok(*[b"X%d: y" % n for n in range(600)]), "connection", None),
    "brotli, not asked for": (ok(b"Content-Encoding: br", body=b"\x00\x01"), "connection", None),
    "zstd, not asked for": (ok(b"Content-Encoding: zstd", body=b"\x00\x01"), "connection", None),
    "broken deflate": (ok(b"Content-Encoding: deflate", body=b"\x78\x01z"), "connection", None),
    "broken gzip": (ok(b"Content-Encoding: gzip"), "connection", None),
    "bytes behind the body": (ok(b"Content-Length: 2", body=b"{}{}{}"), "connection", None),
}  # fmt: skip


@pytest.mark.parametrize(("odd", "kind", "status"), ODD.values(), ids=ODD)
async def test_an_odd_reply_is_asked_again_and_then_a_problem(odd: bytes, kind: str, status: int | None) -> None:
    """Anything a server sends in place of a reply costs its own request two attempts, and no other request."""
    async with (
        wire([odd, ...], [odd, ...], GOOD) as served,
        Fetcher(installation(served.url), RateLimiter(), limits=LIMITS) as fetcher,
    ):
        result, next_one = await fetcher.get(ACTION), await fetcher.get(ACTION)
    assert result.failure is not None
    assert result.cost.attempts == 2
    # Which of two faults is met first may depend on how the bytes come.
    assert (result.failure.kind, result.failure.http_status) in {(kind, status), ("connection", 200)}
    assert TOKEN not in repr(result)
    assert next_one.document == {"id": 1001}


@pytest.mark.parametrize("odd", ["204", "304", "101", "000", "broken gzip"])
async def test_one_odd_reply_is_forgotten(odd: str) -> None:
    """Asked again and answered, a request shows no trace of the odd reply but its attempt."""
    async with wire([ODD[odd][0], ...], GOOD) as served:
        result = await ask(served.url)
    assert (result.document, result.cost.attempts) == ({"id": 1001}, 2)


READ = {
    "a status without words": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/2.0 in words": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a content type of signs": ok(b"Content-Type: ;;;==="),
    "an unknown charset": ok(b"Content-Type: application/json; charset=klingon"),
    "a header in Latin-1": ok(b"X: \xff\xfe"),
    "a cookie of signs": ok(b"Set-Cookie: \xff=;;;="),
    "a broken Link": ok(b"Link: <http://[::1>; rel"),
    "an absurd Date": ok(b"Date: Mon, 99 Foo 99999 99:99:99 GMT"),
    "a header of 64 kB": ok(b"X: " + b"y" * 65_000),
    "many headers": ok(*[b"X%d: " % n + b"y" * 100 for n in range(400)]),
}


@pytest.mark.parametrize("odd", READ.values(), ids=READ)
async def test_what_is_only_unusual_is_read(odd: bytes) -> None:
    """Replies with long heads and unknown headers are read."""
    async with wire(odd) as served:
        result = await ask(served.url)
    assert (result.document, result.cost.attempts) == ({}, 1)


async def test_a_byte_order_mark_is_read_and_not_kept() -> None:
    """A byte order mark before the JSON of an answer or an error is ignored, and not kept."""
    body = '{"id": 1001, "name": "café"}'.encode()
    async with wire(reply(BOM + body)) as served:
        result = await ask(served.url)
    assert (result.body, result.repaired) == (body, False)
    refused = BOM + b'{"errors": [{"message": "API is disabled in this workspace."}]}'
    async with wire(reply(refused, 403)) as served:
        result = await ask(served.url)
    assert result.failure is not None
    assert (result.failure.kind, result.failure.message) == ("api_disabled", "API is disabled in this workspace.")
    async with wire(reply(BOM + b'{"message": "later"}', 503)) as served:
        result = await ask(served.url)
    assert result.failure is not None
    assert (result.failure.kind, result.failure.message) == ("http_error", "later")


NONE_THERE = reply(b'{"errors": [{"message": "nope"}]}', 404)
ITEMS = reply(b'{"actions": []}')


@pytest.mark.parametrize(
    ("replies", "kind", "attempts"),
    [
        ([NONE_THERE], "gone", 2),
        ([NONE_THERE, ITEMS], None, 2),
        ([NONE_THERE, reply(b"", 503), ITEMS], None, 3),
        ([reply(b"", 503), NONE_THERE, NONE_THERE], "gone", 3),
        ([NONE_THERE, reply(b"", 403)], "forbidden", 2),
        ([reply(b"", 503), reply(b"", 503), NONE_THERE], "http_error", 3),
    ],
)
async def test_the_first_404_of_a_list_is_asked_again(replies: list[object], kind: str | None, attempts: int) -> None:
    """Two 404s say that a listed parent is gone; after one, any other reply counts, and no reply is not gone."""
    async with wire(*replies) as served:
        result = await ask(served.url, LIST, limits=Limits(attempts=3, retry_initial_s=0.001))
        assert len(served.requests) == result.cost.attempts == attempts
    assert (result.failure and result.failure.kind) == kind


@pytest.mark.parametrize(
    "request_of",
    [
        ACTION,
        Request("test", LIST.kind, "acme", "web-shop", 101, page=2, per_page=20),
        Request("test", LIST.kind, "acme", "web-shop", 101, reading=2),
    ],
)
async def test_other_404s_are_asked_once(request_of: Request) -> None:
    """An action's own 404 is Buddy's word, and that of a later page says nothing of its parent, however often."""
    async with wire(NONE_THERE) as served:
        result = await ask(served.url, request_of)
    assert result.failure is not None
    assert (result.failure.kind, result.cost.attempts) == ("gone", 1)


@pytest.mark.parametrize(
    "error",
    [AttributeError("planted"), ValueError("planted"), AssertionError("planted"), UnicodeError("planted"),
     RuntimeError("planted"), KeyError("planted"), MemoryError("planted")],
)  # fmt: skip
def test_a_fault_of_the_library_has_words_of_ours(error: Exception) -> None:
    """An exception of any class becomes a failed attempt that names the class and nothing that it says."""
    failure = classify_error(error, 200).failure
    assert (failure.kind, failure.http_status) == ("connection", 200)
    assert type(error).__name__ in failure.message
    assert "planted" not in failure.message


_VALUES = st.binary(max_size=40).map(lambda value: value.replace(b"\n", b"").replace(b"\r", b""))
_HEADERS = st.sampled_from([
    b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Content-Type", b"Connection", b"Upgrade",
    b"Location",
    b"Set-Cookie", b"Date", b"Retry-After", b"X-Rate-Limit-Limit", b"X-Rate-Limit-Remaining", b"X-Rate-Limit-Reset",
    b"Link",
])  # fmt: skip
_KNOWN = st.sampled_from([
    b"chunked", b"gzip", b"deflate", b"br", b"zstd", b"close", b"upgrade", b"keep-alive", b"0", b"2", b"-1", b"9" * 25,
    b"identity",
])  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # 401 ends a run, and refusals are waited out.
    status=st.integers(0, 999).filter(lambda status: status not in {401, 403, 429}),
    headers=st.lists(st.tuples(_HEADERS, _KNOWN | _VALUES), max_size=5),
    body=st.sampled_from([b"", b"{}", b"2\r\n{}\r\n0\r\n\r\n", BOM, b"[1]"]) | st.binary(max_size=60),
)
def test_no_head_makes_a_foreign_exception_escape(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Any status with any headers and any body ends in an result, within the limits."""
    lines = [b"%s: %s" % header for header in headers]
    raw = b"\r\n".join([b"HTTP/1.1 %03d Said" % status, *lines, b"", body])

    async def go() -> None:
        async with wire([raw, ...]) as served, asyncio.timeout(20):
            result = await ask(served.url)
            assert result.cost.attempts + result.cost.refusals == len(served.requests)

    asyncio.run(go())


async def test_nothing_is_logged_about_an_odd_reply(caplog: pytest.LogCaptureFixture) -> None:
    """The library says nothing of an odd reply by itself, where its words could show what came."""
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    with caplog.at_level(logging.DEBUG, "aiohttp"):
        for name in ("204", "101", "000", "a NUL in a header", "bytes behind the body", "broken gzip"):
            async with wire([ODD[name][0], ...]) as served:
                await ask(served.url)
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []
    assert faults == []

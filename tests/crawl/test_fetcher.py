"""The fetcher over real sockets: against the fake Buddy for what a server says, against raw bytes for faults
of the wire.
"""

import asyncio
import gzip
import random
import re
import resource
import ssl
import zlib
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.http import HttpProcessingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.connection_errors import classify_error
from collector.crawl.fetch_result import Event, FetchResult, RateLimitMet, RetryScheduled
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.errors import SettingsError, Stuck, Unauthorised
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.crawl.wire import TOKEN, installation, reply, wire
from tests.request_builders import action_request, actions_request, token_request, workspaces_request

ACTION = action_request("test", "acme", "web-shop", 101, 1001)
LIST = actions_request("test", "acme", "web-shop", 101)
QUICK = Limits(retry_initial_s=0.001, connect_s=0.5, read_s=0.3, total_s=0.8, body_bytes=200_000)
GOOD = reply(b'{"id": 1001}')
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def ask(url: str, request: Request = ACTION, **given: Any) -> FetchResult:
    """One request with a fetcher of its own."""
    options: dict[str, Any] = {"limits": QUICK, "rng": random.Random(1)} | given
    limiter = options.pop("limiter", None) or RateLimiter()
    async with Fetcher(installation(url), limiter, **options) as fetcher:
        result = await fetcher.get(request)
    assert limiter.state.in_flight == 0
    assert (result.document is None) != (result.failure is None)
    return result


async def test_the_request_on_the_wire() -> None:
    """One GET below the base's own path, encoded segments untouched, with exactly the headers we mean to send."""
    request = action_request("test", "acme", "données/équipe A..", 101, 1001)
    async with wire(GOOD) as served:
        result = await ask(served.url + "/api/", request)
        head = served.requests[0].decode()
    assert result.document == {"id": 1001}
    assert result.body == b'{"id": 1001}'
    assert result.status == 200
    line, *lines = head.strip().split("\r\n")
    path = "/api/workspaces/acme/projects/donn%C3%A9es%2F%C3%A9quipe%20A../pipelines/101/actions/1001"
    assert line == f"GET {path} HTTP/1.1"
    headers = dict(each.split(": ", 1) for each in lines)
    assert headers.pop("Host") == served.url.removeprefix("http://")
    assert re.fullmatch(r"buddy-promote-image-collector/\d+\.\d+\.\d+", headers.pop("User-Agent"))
    assert headers == {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "X-Buddy-Media-Type": "buddy.v1.1.0",
    }


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "a/../../b", "?x", "#y", "a b+c"])
async def test_a_hostile_name_stays_one_segment(name: str) -> None:
    """With any project name, the server sees our path and nothing above or beside it."""
    async with wire(GOOD) as served:
        await ask(served.url, actions_request("test", "acme", name, 101))
        path = served.requests[0].split(b" ")[1].decode()
    assert re.fullmatch(r"/workspaces/acme/projects/[^/?#]+/pipelines/101/actions", path)


async def test_counts_of_one_good_reply() -> None:
    """One attempt, no refusal, the bytes of the wire, one moment."""
    at = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
    body = gzip.compress(b'{"id": 1001, "name": "' + b"x" * 1000 + b'"}')
    async with wire(reply(body, content_encoding="gzip")) as served:
        result = await ask(served.url, now=lambda: at)
    assert (result.cost.attempts, result.cost.refusals, result.cost.bytes_received) == (1, 0, len(body))
    assert result.first_seen_at == result.last_seen_at == at


FAULTS: list[tuple[str, object, str | None, int | None]] = [
    # name, the faulty reply, its kind (None: one of two), its status
    ("reset before the reply", None, "connection", None),
    ("closed before the reply", ..., "connection", None),
    ("reset in the head", [b"HTTP/1.1 200 OK\r\nConte", None], "connection", None),
    ("reset in the body", [reply(b'{"id"', length=500), None], "connection", 200),
    ("closed in the body", [reply(b'{"id"', length=500), ...], "connection", 200),
    ("closed in a chunk", [CHUNKED + b"5\r\n{", ...], "connection", 200),
    ("no HTTP at all", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", ...], "connection", None),
    ("a head without end", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, ...], "connection", None),
    ("broken gzip", reply(b"no gzip, really", content_encoding="gzip"), "connection", 200),
    ("an encoding we did not ask for", reply(b"\x00\x01", content_encoding="br"), None, None),
    ("gzip cut short", reply(gzip.compress(b'{"id": 1}' * 99)[:30], content_encoding="gzip"), None, 200),
    ("an empty body", reply(b""), "not_json", 200),
    ("HTML", reply(b"<html>", content_type="text/html"), "not_json", 200),
    ("half a document", reply(b'{"id": 10'), "not_json", 200),
    ("wrong shape", reply(b"[1]"), "not_understood", 200),
    ("errors in a 200", reply(b'{"errors": [{"message": "x"}]}'), "http_error", 200),
    *((str(status), reply(b"{}", status), "http_error", status) for status in (500, 502, 503, 504, 408)),
    ("hanging", 5.0, "timeout", None),
    ("hanging in the body", [reply(b"{", length=50), 5.0], "timeout", 200),
    ("trickling", [reply(b"{", length=500), *[b" ", 0.05] * 50], "timeout", 200),
]


@pytest.mark.parametrize(("fault", "kind", "status"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_an_accident_is_retried_then_recorded(fault: object, kind: str | None, status: int | None) -> None:
    """Each accident of the wire is asked again and forgotten, or recorded with its kind when it stays."""
    events: list[Event] = []
    async with wire(fault, GOOD) as served:
        result = await ask(served.url, on_event=events.append)
        assert len(served.requests) == 2
    assert result.document == {"id": 1001}
    assert (result.cost.attempts, result.cost.refusals) == (2, 0)
    assert [type(event) for event in events] == [RetryScheduled]
    assert TOKEN not in repr(events)

    limits = Limits(attempts=2, retry_initial_s=0.001, connect_s=0.5, read_s=0.3, total_s=0.5)
    async with wire(fault) as served:
        result = await ask(served.url, limits=limits)
        assert len(served.requests) == 2
    assert result.failure is not None
    assert result.cost.attempts == 2
    if kind is not None:
        assert result.failure.kind == kind
        assert result.failure.http_status == status
    assert result.body is None
    assert TOKEN not in repr(result)


async def test_attempts_are_limited_and_the_waits_are_drawn_from_our_dice() -> None:
    """Five attempts, four waits, each within its doubling bound and the same for the same seed."""
    waits: list[list[float]] = [[], []]
    for told in waits:
        events: list[Any] = []
        async with wire(reply(b"", 503)) as served:
            result = await ask(served.url, on_event=events.append)
            assert len(served.requests) == result.cost.attempts == 5
        told.extend(event.wait_s for event in events)
        assert [event.attempt for event in events] == [1, 2, 3, 4]
    assert waits[0] == waits[1]
    assert all(wait <= 0.001 * 2**step for step, wait in enumerate(waits[0]))


async def test_time_is_limited_too() -> None:
    """When the time for retries is used up, the attempts left are not made."""
    async with wire([0.2, reply(b"", 503)]) as served:
        result = await ask(served.url, limits=Limits(retry_initial_s=0.001, retry_total_s=0.3, attempts=50))
    assert 2 <= result.cost.attempts <= 3


@pytest.mark.parametrize("fault", [30.0, [reply(b"{", length=50), 30.0]], ids=["before the reply", "in the body"])
async def test_silence_ends_a_request_before_its_total_time_limit(fault: object) -> None:
    """A server that sends nothing for `read_s` costs that time, however long the whole reply may take."""
    began_at = asyncio.get_running_loop().time()
    async with wire(fault) as served:
        result = await ask(served.url, limits=Limits(attempts=1, read_s=0.2, total_s=20.0))
    assert result.failure is not None
    assert result.failure.kind == "timeout"
    assert 0.2 <= asyncio.get_running_loop().time() - began_at < 10


@pytest.mark.parametrize("status", [400, 403, 404, 302])
async def test_what_buddy_meant_is_recorded_at_once(status: int) -> None:
    """A 4xx or a redirect is one request, and the redirect's target sees none."""
    async with wire(GOOD) as elsewhere, wire(reply(b"", status, location=elsewhere.url)) as served:
        result = await ask(served.url)
        assert len(served.requests) == 1
        assert elsewhere.requests == []
    assert result.failure is not None
    assert result.cost.attempts == 1


@pytest.mark.parametrize("refusal", [reply(b"{}", 429), reply(b'{"errors":[{"message":"Rate limit exceeded."}]}', 403)])
async def test_a_refusal_pauses_and_is_no_attempt(refusal: bytes) -> None:
    """After a 429, or the older 403, the fetcher waits, reports it, counts it separately and asks again."""
    events: list[Event] = []
    refusal = refusal.replace(b"\r\n\r\n", b"\r\nRetry-After: 1\r\n\r\n")
    async with wire(refusal, GOOD) as served:
        result = await ask(served.url, on_event=events.append)
    assert result.document == {"id": 1001}
    assert (result.cost.attempts, result.cost.refusals) == (1, 1)
    assert isinstance(events[0], RateLimitMet)
    assert 0.5 < events[0].wait_s <= 1.0


async def test_a_503_is_asked_again_when_it_said() -> None:
    """Retry-After on a 503 is obeyed and reported; the request counts as failed, and the next attempt succeeds."""
    events: list[Any] = []
    async with wire(reply(b"", 503, retry_after="1"), GOOD) as served:
        limiter = RateLimiter()
        result = await ask(served.url, on_event=events.append, limiter=limiter)
    assert result.document == {"id": 1001}
    assert (result.cost.attempts, result.cost.refusals) == (2, 0)
    assert 0.5 < events[0].wait_s <= 1.0
    assert result.cost.paused_seconds > 0.5


async def test_a_server_that_stays_unavailable_does_not_hold_the_crawl_for_ever() -> None:
    """The wait that a 503 asks for counts as time of its request, and after too many of them the crawl ends."""
    async with wire(reply(b"", 503, retry_after="3600")) as served:
        result = await ask(served.url)
        assert result.cost.attempts == len(served.requests) == 1
        assert result.transient
    async with wire(reply(b"", 503, retry_after="1")) as served:
        with pytest.raises(Stuck):
            await ask(served.url, limits=Limits(retry_initial_s=0.001, stuck_after_s=0.5))


async def test_a_refusal_whose_body_is_lost_is_still_a_refusal() -> None:
    """The status line is enough to know that somebody asked us to slow down, or that the token is refused."""
    cut = reply(b"{", 429, length=99, retry_after="1")
    async with wire([cut, None], GOOD) as served:
        result = await ask(served.url)
    assert (result.cost.attempts, result.cost.refusals) == (1, 1)
    async with wire([reply(b"{", 401, length=99), None]) as served:
        with pytest.raises(Unauthorised):
            await ask(served.url)


async def test_nothing_but_refusals_is_stuck() -> None:
    """When refusals last longer than the limit, the crawl ends resumable."""
    async with wire(reply(b"{}", 429)) as served:
        with pytest.raises(Stuck) as stuck:
            await ask(served.url, limits=Limits(stuck_after_s=0.5))
    assert stuck.value.exit_code == 3
    assert stuck.value.advice


async def test_a_401_stops_with_advice_and_without_the_token() -> None:
    """Unauthorised carries what to do and never what was tried."""
    async with wire(reply(f'{{"errors": [{{"message": "bad token {TOKEN}"}}]}}'.encode(), 401)) as served:
        with pytest.raises(Unauthorised) as refused:
            await ask(served.url)
        assert len(served.requests) == 1
    assert "BUDDY_TOKEN" in refused.value.advice
    assert TOKEN not in repr(refused.getrepr(showlocals=False)) + str(refused.value) + refused.value.advice


async def test_an_echoed_token_is_not_repeated() -> None:
    """A server that echoes the token does not bring it into our words."""
    async with wire(reply(f'{{"message": "no {TOKEN} here"}}'.encode(), 403)) as served:
        result = await ask(served.url)
    assert result.failure is not None
    assert result.failure.message == "no [token] here"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_names_the_scopes(status: int) -> None:
    """The message of a 401 or 403 names the scopes of its headers in either spelling, without the token."""
    token, accepted = f"WORKSPACE, {TOKEN}", "PIPELINE_READ"
    answer = reply(b'{"message": "Not allowed."}', status, X_0Auth_Scopes=token, X_Accepted_OAuth_Scopes=accepted)
    async with wire(answer) as served:
        if status == 401:
            with pytest.raises(Unauthorised) as refused:
                await ask(served.url)
            said = str(refused.value)
        else:
            result = await ask(served.url)
            assert result.failure is not None
            said = result.failure.message
    expected = "Not allowed; this request needs one of the scopes PIPELINE_READ; the token has WORKSPACE, [token]"
    assert expected in said


def _bomb() -> bytes:
    """A gibibyte of zeros, a megabyte on the wire: after a flush the same bytes stand for each mebibyte."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 1023


async def test_a_bomb_is_stopped_before_it_grows() -> None:
    """A gibibyte in a megabyte of gzip is given up at the limit, once, with memory to match."""
    bomb = reply(_bomb(), content_encoding="gzip")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with wire(bomb) as served:
        result = await ask(served.url, limits=Limits())
        assert len(served.requests) == 1
    assert result.failure is not None
    assert result.failure.kind == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024  # KiB; the limit is 32 MiB


async def test_an_endless_body_is_stopped_and_a_long_one_is_whole() -> None:
    """The limit is on the bytes that arrive, not on those announced; a body of many pieces below it is complete."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"1000\r\n" + b" " * 0x1000 + b"\r\n"

    async with wire([CHUNKED, endless]) as served:
        result = await ask(served.url)
    assert result.failure is not None
    assert result.failure.kind == "too_large"
    assert result.cost.bytes_received < 2_000_000
    body = b'{"id": "' + b"x" * 150_000 + b'"}'
    pieces = [piece for at in range(0, len(body), 9_000) for piece in (body[at : at + 9_000], 0.001)]
    async with wire([reply(b"", length=len(body)), *pieces]) as served:
        result = await ask(served.url)
    assert result.body == body
    assert result.cost.bytes_received == len(body)


async def test_connections_are_reused_and_a_dropped_one_is_our_retry_not_aiohttps() -> None:
    """One connection serves many requests; when it drops, the repetition is counted and passes the limiter."""
    async with wire(GOOD, GOOD, ..., GOOD) as served:
        async with Fetcher(installation(served.url), RateLimiter(), limits=QUICK) as fetcher:
            attempts = [(await fetcher.get(ACTION)).cost.attempts for _ in range(3)]
        assert attempts == [1, 1, 2]
        assert (len(served.requests), served.connections) == (4, 2)


async def test_cookies_are_neither_kept_nor_sent() -> None:
    """A session of the server's leaves no trace in ours."""
    async with wire(reply(b'{"id": 1}', set_cookie="session=planted; Path=/")) as served:
        async with Fetcher(installation(served.url), RateLimiter()) as fetcher:
            await fetcher.get(ACTION)
            await fetcher.get(ACTION)
        assert b"ookie" not in served.requests[1]


async def test_the_environment_does_not_redirect_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor a .netrc of the environment comes between us and the configured host."""
    async with wire(GOOD) as served, wire(GOOD) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        await ask(served.url)
        assert len(served.requests) == 1
        assert proxy.requests == []


class _Sideways:
    target = "@evil.example/"
    list_key = None


async def test_a_target_cannot_change_the_host() -> None:
    """What is appended to the base begins with a slash, or nothing is sent."""
    async with wire(GOOD) as served:
        with pytest.raises(ValueError, match="slash"):
            await ask(served.url, _Sideways())  # type: ignore[arg-type]
        assert served.requests == []


async def test_cancelling_leaks_nothing() -> None:
    """A request cancelled under way leaves none in flight, and the next one is answered."""
    limiter = RateLimiter()
    async with wire([3.0, GOOD], GOOD) as served, Fetcher(installation(served.url), limiter, limits=QUICK) as fetcher:
        asking = asyncio.create_task(fetcher.get(ACTION))
        await asyncio.sleep(0.05)
        assert limiter.state.in_flight == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert limiter.state.in_flight == 0
        assert (await fetcher.get(ACTION)).document == {"id": 1001}


async def test_what_must_end_the_crawl_ends_it_from_within_a_retry() -> None:
    """A 401, lasting refusals and a cancellation leave the retry loop as they are, with nothing in flight."""
    async with wire(reply(b"", 503), reply(b"{}", 401)) as served:
        with pytest.raises(Unauthorised):
            await ask(served.url)
    async with wire(reply(b"", 503), reply(b"{}", 429)) as served:
        with pytest.raises(Stuck):
            await ask(served.url, limits=Limits(retry_initial_s=0.001, stuck_after_s=0.5))
    limiter, asked_again = RateLimiter(), asyncio.Event()

    def unanswered() -> list[float]:
        asked_again.set()
        return [3.0]

    async with (
        wire(reply(b"", 503), unanswered) as served,
        Fetcher(installation(served.url), limiter, limits=Limits(retry_initial_s=0.1)) as fetcher,
    ):
        asking = asyncio.create_task(fetcher.get(ACTION))
        async with asyncio.timeout(20):
            await asked_again.wait()
        assert len(served.requests) == 2
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert limiter.state.in_flight == 0
        assert TOKEN not in repr(fetcher)


async def test_nobody_there() -> None:
    """A closed port and an unknown name are connection problems after their attempts."""
    async with wire(GOOD) as served:
        url = served.url
    for nowhere in (url, "http://name.invalid"):
        result = await ask(nowhere, limits=Limits(attempts=2, retry_initial_s=0.001))
        assert result.failure is not None
        assert result.cost.attempts == 2
        assert (result.failure.kind, result.failure.http_status) == ("connection", None)


# TLS


@asynccontextmanager
async def _tls_server(certificate: Path, key: Path) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(b'{"id": 1}', connection="close"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_tls_is_verified_and_a_private_authority_can_be_named() -> None:
    """A certificate nobody vouches for is one failed attempt whose message names --ca-bundle, with which it works."""
    here = Path(__file__).parent / "certificates"
    async with _tls_server(here / "localhost.pem", here / "localhost.key") as url:
        result = await ask(url)
        assert result.failure is not None
        assert result.failure.kind == "connection"
        assert "--ca-bundle" in result.failure.message
        assert result.cost.attempts == 1
        trusting = installation(url, ca_bundle=here / "localhost.pem")
        async with Fetcher(trusting, RateLimiter()) as fetcher:
            assert (await fetcher.get(ACTION)).document == {"id": 1}


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_unreadable_ca_bundle_is_a_settings_error(tmp_path: Path, content: str | None) -> None:
    """A bundle that is missing or not PEM is an error of the settings."""
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    with pytest.raises(SettingsError, match=r"ca\.pem"):
        async with Fetcher(installation("https://localhost", ca_bundle=bundle), RateLimiter()):
            pass


# Nothing foreign gets out


def _family(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def test_every_exception_of_aiohttp_is_classify_error() -> None:
    """Every exception that aiohttp exports, and every subclass of its base classes, has a message of ours."""
    exported = {each for each in vars(aiohttp).values() if isinstance(each, type)}
    tree = set(_family(aiohttp.ClientError)) | set(_family(HttpProcessingError)) | (exported & set(_family(Exception)))
    # Those of websockets, multipart and of aiohttp's own queues: a GET meets none of them.
    elsewhere = re.compile("^WS|WebSocket|EofStream|ContentDisposition")
    for kind in (kind for kind in tree if not elsewhere.search(kind.__name__)):
        classified = classify_error(kind.__new__(kind), None)  # type: ignore[call-overload]
        assert classified.failure.kind in {"connection", "timeout", "too_large"}
        assert classified.failure.message
    for builtin in (OSError, ConnectionResetError, TimeoutError, ssl.SSLError, ssl.SSLCertVerificationError):
        assert classify_error(builtin(104, "planted"), None).failure.message.find("planted") < 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 200),
    noise=st.binary(max_size=30),
    encoding=st.sampled_from(["gzip", "deflate", "br", "identity", "zstd", "x"]),
)
def test_no_bytes_make_a_foreign_exception_escape(cut: int, noise: bytes, encoding: str) -> None:
    """Replies cut anywhere with noise put in: always a FetchResult, and the counts agree with what the server saw."""
    good = reply(gzip.compress(b'{"id": 1001, "name": "some action"}'), content_encoding=encoding)

    async def go() -> None:
        async with wire([good[:cut] + noise + good[cut:], None]) as served:
            result = await ask(served.url, limits=Limits(attempts=2, retry_initial_s=0.001, total_s=0.5))
            assert result.cost.attempts + result.cost.refusals == len(served.requests)

    asyncio.run(go())


# Against the fake Buddy


async def test_the_fake_buddy_is_read() -> None:
    """Every kind of request is accepted by a server that knows nothing of us."""
    with FakeBuddy(FakeWorld(seed=1), token=TOKEN) as buddy:
        for request in (token_request("test"), workspaces_request("test")):
            assert (await ask(buddy.url, request)).failure is None
        assert buddy.counts()["requests"] == 2


async def test_alone_on_a_small_window_in_real_time() -> None:
    """200 per 2 s over real sockets, the server's clock an hour off: no refusal, and full windows used to 97 %."""
    with FakeBuddy(FakeWorld(seed=1), token=TOKEN, limit=200, window=2.0, clock_skew=3600.0) as buddy:
        limiter = RateLimiter(0, 50)
        left = 450

        async def work(fetcher: Fetcher) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                assert (await fetcher.get(workspaces_request("test"))).failure is None

        async with Fetcher(installation(buddy.url), limiter) as fetcher:
            await asyncio.gather(*(work(fetcher) for _ in range(4)))
        windows: dict[int, int] = {}
        for arrival in buddy.arrivals:
            windows[arrival.window_index] = windows.get(arrival.window_index, 0) + 1
        assert buddy.counts().get("refused", 0) == 0
    assert all(count <= 150 for count in windows.values())
    assert all(count >= 0.97 * 150 for count in list(windows.values())[1:-1])
    assert limiter.state.skew_seconds == pytest.approx(3600, abs=1)


async def test_a_scripted_refusal_is_waited_out() -> None:
    """With any reset in the refusal, the request succeeds in the end and the refusal is no failure."""

    async def refused_once(reset: str) -> FetchResult:
        with FakeBuddy(FakeWorld(seed=1), token=TOKEN) as buddy:
            buddy.script.add(Fault("limited", kind="workspaces", reset=reset))
            return await ask(buddy.url, workspaces_request("test"))

    # Each waits for a second: all of them at once.
    resets = ("good", "absent", "past", "absurd", "skewed")
    results = await asyncio.gather(*map(refused_once, resets))
    for reset, result in zip(resets, results, strict=True):
        assert result.failure is None, reset
        assert (result.cost.attempts, result.cost.refusals) == (1, 1), reset

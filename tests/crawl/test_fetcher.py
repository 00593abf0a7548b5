"""The fetcher over real sockets: what it sends, what it keeps of a reply, what it refuses, and that nothing leaks."""

import asyncio
import gzip
import re
import resource
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from collector.crawl.backoff import Limits
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.errors import Unauthorised
from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.crawl.fetching import ACTION, CHUNKED, GOOD, QUICK, ask
from tests.crawl.wire import TOKEN, installation, reply, wire
from tests.request_builders import action_request, actions_request, token_request, workspaces_request


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

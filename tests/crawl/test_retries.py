"""Retries, refusals and their limits over real sockets: what is asked again, when, and how often."""

import asyncio
import gzip
from typing import Any

import pytest

from collector.crawl.backoff import Limits
from collector.crawl.fetch_result import Event, FetchResult, RateLimitMet, RetryScheduled
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.errors import Stuck, Unauthorised
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.crawl.fetching import ACTION, CHUNKED, GOOD, ask
from tests.crawl.wire import TOKEN, installation, reply, wire
from tests.request_builders import workspaces_request

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

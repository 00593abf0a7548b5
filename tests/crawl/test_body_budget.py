"""Laws of the memory that bodies share, on virtual time and over sockets."""

import asyncio
from collections.abc import Callable
from typing import cast

import aiohttp
import pytest

from collector.crawl.backoff import Limits
from collector.crawl.body_budget import BodyBudget, HeldBody
from collector.crawl.fetcher import Fetcher
from collector.crawl.http_session import read_body
from collector.crawl.rate_limiter import RateLimiter
from tests.crawl.fetching import ACTION
from tests.crawl.virtual_time import run_virtually
from tests.crawl.wire import installation, reply, wire

Clock = Callable[[], float]
BLOCK = 1 << 16
TOTAL_S = 60.0
MOST, SMALL = 40 * BLOCK, 4 * BLOCK


class Body:
    """A body of so many blocks, one each tenth of a second; then so long until it is processed."""

    def __init__(self, blocks: int) -> None:
        self.left = blocks

    async def readany(self) -> bytes:
        """The next block."""
        await asyncio.sleep(0.1)
        self.left -= 1
        return bytes(BLOCK)

    def is_eof(self) -> bool:
        """Whether all has arrived."""
        return self.left == 0

    def at_eof(self) -> bool:
        """Whether all was read."""
        return self.left == 0


async def read(blocks: int, held: HeldBody) -> bytes:
    """Read a body as the fetcher does."""
    limits, ends_at = Limits(total_s=TOTAL_S, body_bytes=1 << 30), asyncio.get_running_loop().time() + TOTAL_S
    async with asyncio.timeout_at(ends_at) as deadline:
        return await read_body(cast(aiohttp.StreamReader, Body(blocks)), limits, held, deadline, ends_at)


class Readers:
    """Readers of bodies that share a budget; `processing_s` is how long each is held after it was read."""

    def __init__(self, clock: Clock, processing_s: float = 5.0) -> None:
        self.budget = BodyBudget(MOST, SMALL)
        self.clock = clock
        self.processing_s = processing_s
        self.most_held = 0
        self.ended_at: list[float] = []

    async def read(self, blocks: int) -> None:
        """Read one body, process it and release it."""
        held = HeldBody(self.budget)
        body = await read(blocks, held)
        assert len(body) == blocks * BLOCK
        self.ended_at.append(self.clock())
        self.most_held = max(self.most_held, self.budget.held)
        await asyncio.sleep(self.processing_s)
        held.release()


def test_large_bodies_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen large bodies never hold more than the bound and one body; all are read, though it takes minutes."""

    async def main(clock: Clock) -> None:
        readers = Readers(clock)
        await asyncio.gather(*(readers.read(100) for _ in range(16)))
        # Far more than one request may take: the time that a body waits does not count.
        assert clock() > 16 * 10.0
        # What is small of each body is read before it waits.
        assert readers.most_held <= max(MOST, 16 * (SMALL + BLOCK)) + 100 * BLOCK
        assert readers.budget.held == 0
        assert not readers.budget.lock.locked()

    run_virtually(monkeypatch, main)


def test_a_slow_body_is_ended_although_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the wait for memory the rest of the time allowed runs on."""

    async def main(clock: Clock) -> None:
        readers = Readers(clock, processing_s=200.0)
        first = asyncio.create_task(readers.read(100))
        await asyncio.sleep(1)
        with pytest.raises(TimeoutError):
            await readers.read(1000)
        assert 10.0 + 200.0 < clock() < 10.0 + 200.0 + TOTAL_S
        await first

    run_virtually(monkeypatch, main)


def test_small_bodies_never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """While large bodies wait, small ones are read without waiting."""

    async def main(clock: Clock) -> None:
        large, small = Readers(clock), Readers(clock)
        small.budget = large.budget
        slow = asyncio.gather(*(large.read(100) for _ in range(4)))
        await asyncio.sleep(8)
        await asyncio.gather(*(small.read(4) for _ in range(20)))
        assert small.ended_at == [pytest.approx(8.4)] * 20
        await slow

    run_virtually(monkeypatch, main)


def test_what_fits_is_read_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the bound nobody waits, however large a body is."""

    async def main(clock: Clock) -> None:
        readers = Readers(clock)
        await asyncio.gather(*(readers.read(10) for _ in range(4)))
        assert readers.ended_at == [pytest.approx(1.0)] * 4

    run_virtually(monkeypatch, main)


def test_who_is_cancelled_gives_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that is cancelled while it reads, or while it waits, lets the next one go."""

    async def cancelled_in_the_end(readers: Readers) -> None:
        held = HeldBody(readers.budget)
        try:
            await read(1000, held)
        finally:
            held.release()

    async def main(clock: Clock) -> None:
        readers = Readers(clock)
        tasks = [asyncio.create_task(cancelled_in_the_end(readers)) for _ in range(3)]
        await asyncio.sleep(10)
        assert readers.budget.lock.locked()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert readers.budget.held == 0
        await readers.read(100)
        assert not readers.budget.lock.locked()

    run_virtually(monkeypatch, main)


async def test_the_fetcher_holds_what_it_has_read_until_it_is_released() -> None:
    """Over sockets: many large replies at once hold the bound and one reply at most, and a failed one holds nothing."""
    size = 2 << 20
    body = b'{"id": 1, "x": "' + b"y" * size + b'"}'
    budget, most_held = BodyBudget(1 << 20, 1 << 16), 0

    async def one(fetcher: Fetcher) -> None:
        nonlocal most_held
        result = await fetcher.get(ACTION)
        assert result.failure is None
        most_held = max(most_held, budget.held)
        await asyncio.sleep(0.01)
        result.release()

    async with (
        wire(reply(body)) as served,
        Fetcher(installation(served.url), RateLimiter(), bodies=budget) as fetcher,
        asyncio.timeout(60),
    ):
        await asyncio.gather(*(one(fetcher) for _ in range(16)))
    # The connections' own buffers let each reader have some more before it waits.
    assert most_held <= (1 << 20) + len(body) + 16 * (1 << 18)
    assert budget.held == 0
    async with (
        wire(reply(b"[" + b" " * size + b"]")) as served,
        Fetcher(installation(served.url), RateLimiter(), bodies=budget) as fetcher,
    ):
        failed = await fetcher.get(ACTION)
        assert failed.failure is not None
    assert budget.held == 0

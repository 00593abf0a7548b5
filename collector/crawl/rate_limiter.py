"""When the next request may start: our own ceilings, and the server's rate limit. The one home of asyncio_throttle.

One waiter at a time. asyncio-throttle polls once per waiter (anchors.md: 2,000 waiters at 400/s burn 2.9 s of CPU), so
all workers queue on a FIFO lock and only the first waits: for the server's limit, the ceiling, and one of the run's
connections. So a pause of the first is the pause of all workers, and the seconds counted are those of the wall clock,
not of worker time.

The ceiling is smooth: periods of about 50 ms instead of a second, since Throttler(50, 1.0) lets all 50 start at once.
Its `retry_interval` is set before each wait to the moment the oldest start leaves the period, so it wakes once, without
polling.

Rules for whoever edits this file: between the last check of the state and `on_send` there is no await; whatever was
acquired is released, also when it was cancelled; time comes from `clock` and the loop's timers, which tests replace by
virtual ones.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from asyncio_throttle.throttler import Throttler

from collector.buddy.rate_headers import read_rate_headers
from collector.crawl.rate_limit_state import RateLimitState

_PERIOD_S = 0.05
# The Throttler frees a place when *more* than a period has passed; waking a little later spares a second check.
_MARGIN_S = 0.0002


class RateLimiterState(msgspec.Struct, frozen=True):
    """The state of the rate limiter, for the progress line. Moments are UTC by our own clock; None means not known."""

    in_flight: int
    remaining: int | None
    reset_at: datetime | None
    paused_until: datetime | None
    why: str
    skew_seconds: float | None
    reserve_squeezed: bool
    limit: int | None = None  # requests of a whole window


class RateLimiter:
    """The rate limiter of one installation, shared by all its workers.

    `requests_per_second` is our ceiling (0 = none), `reserve` the requests of every window left to others.
    `turns` are the requests that the installations of a run may have in flight together (None = any number).
    `clock` gives monotonic seconds and must agree with the running loop's timers; `wall` gives Unix seconds.
    """

    def __init__(
        self,
        requests_per_second: float = 0.0,
        reserve: int = 0,
        *,
        turns: asyncio.Semaphore | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self._limit = RateLimitState(reserve)
        self._paced_s = 0.0
        self._paused_s = 0.0
        self._wall = wall
        self._turns = turns
        self._lock = asyncio.Lock()
        self._queued = 0
        self._changed = asyncio.Event()
        self._throttler: Throttler | None = None
        self._starts: deque[float] = deque(maxlen=1)
        if requests_per_second > 0:
            per_period = max(1, int(requests_per_second * _PERIOD_S))
            self._throttler = Throttler(per_period, per_period / requests_per_second)
            self._starts = deque(maxlen=per_period)

    async def acquire(self) -> float:
        """Wait until one request may be sent, count it as in flight and return the moment, its name in `release`.

        Every attempt acquires, retries too, in the order of the calls.
        """
        # Where nothing is limited the order does not matter, and no call needs to queue behind another and be woken
        # later.
        if self._throttler is None and self._turns is None and (self._limit.unmetered or not self._queued):
            now = self.clock()
            if not self._limit.wait_s(now):
                self._limit.on_send(now)
                return now
        self._queued += 1
        try:
            async with self._lock:
                while True:
                    await self._wait_for_server()
                    await self._wait_for_ceiling()
                    await self._wait_for_turn()
                    now = self.clock()
                    if not self._limit.wait_s(now):
                        self._limit.on_send(now)
                        return now
                    self._end_turn()
        finally:
            self._queued -= 1

    def release(
        self, sent: float, headers: Mapping[str, str] | None, *, refused: bool = False, status: int | None = None
    ) -> float:
        """Count an acquired request as ended: with headers and status of its reply, or None when there was none.

        `refused` says that the reply was a refusal by the rate limit. A 5xx may come from a proxy that knows nothing of
        limits, so that missing headers mean nothing; the Retry-After of a 503 pauses all workers. Return the seconds of
        that pause, 0.0 when there is none.
        """
        self._end_turn()
        now, pause_s = self.clock(), 0.0
        local_offset = self._wall() - now
        rates = None if headers is None else read_rate_headers(headers)
        if status == 503 and rates is not None:
            pause_s = self._limit.on_unavailable(now, rates, local_offset)
        if status is not None and status >= 500 and rates is not None and rates.remaining is None:
            rates = None
        self._limit.on_reply(sent, now, rates, local_offset, refused=refused)
        self._changed.set()
        return pause_s

    def drain_waits(self) -> tuple[float, float]:
        """Return the seconds waited for our ceiling and for the server since the last call."""
        waits = round(self._paced_s, 6), round(self._paused_s, 6)
        self._paced_s = self._paused_s = 0.0
        return waits

    def refused_s(self) -> float:
        """Return for how many seconds there were only refusals and 503s that asked us to wait."""
        since = self._limit.refused_since
        return 0.0 if since is None else self.clock() - since

    def pause_s(self) -> float:
        """Return the seconds until the server's limit allows the next request, 0.0 when it does now."""
        return self._limit.wait_s(self.clock())

    @property
    def state(self) -> RateLimiterState:
        """The state now."""
        limit, now = self._limit, self.clock()
        wait = limit.wait_s(now)
        return RateLimiterState(
            in_flight=limit.in_flight,
            remaining=limit.remaining if limit.metered else None,
            reset_at=self._to_utc(limit.reset_at if limit.metered else None, now),
            paused_until=self._to_utc(now + wait if wait else None, now),
            why=limit.wait_reason(now),
            skew_seconds=limit.clock.skew(self._wall() - now),
            reserve_squeezed=limit.share.squeezed,
            limit=limit.share.size if limit.metered else None,
        )

    def _to_utc(self, monotonic: float | None, now: float) -> datetime | None:
        return None if monotonic is None else datetime.fromtimestamp(self._wall() + monotonic - now, UTC)

    async def _wait_for_server(self) -> None:
        """Wait until the server's limit allows a request: as long as the state says, or until a reply changes it."""
        began = self.clock()
        try:
            while wait := self._limit.wait_s(self.clock()):
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
        finally:
            self._paused_s += self.clock() - began

    async def _wait_for_ceiling(self) -> None:
        """Wait until one more start keeps us below our own ceiling."""
        if self._throttler is None:
            return
        began = self.clock()
        starts = self._starts
        if len(starts) == starts.maxlen:
            self._throttler.retry_interval = max(_MARGIN_S, starts[0] + self._throttler.period + _MARGIN_S - began)
        try:
            await self._throttler.acquire()  # type: ignore[no-untyped-call]  # its author left it untyped
        finally:
            self._paced_s += self.clock() - began
        starts.append(self.clock())

    async def _wait_for_turn(self) -> None:
        """Wait until one more request of the run keeps it below the connections that it may hold."""
        if self._turns is None:
            return
        began = self.clock()
        try:
            await self._turns.acquire()
        finally:
            self._paced_s += self.clock() - began

    def _end_turn(self) -> None:
        if self._turns is not None:
            self._turns.release()

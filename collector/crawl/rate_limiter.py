"""When the next request may start: our own ceiling, and above it the server's word. The one home of
asyncio_throttle.

Strategy. One waiter at a time. asyncio-throttle polls once per waiter (anchors.md: 2,000 waiters at 400/s
burn 2.9 s of CPU), so everybody queues on a FIFO lock and only the head of the line waits, first for the
budget, then for the ceiling. Because there is one head, a pause of the head is the pause of all workers, and
`paced_seconds` and `paused_seconds` are seconds of the clock on the wall, not of worker time.

The ceiling is smooth: periods of about 50 ms instead of a second, since Throttler(50, 1.0) lets all 50 start
at once. Its `retry_interval` is set before each wait to the moment the oldest start leaves the period, so it
wakes once, not by polling.

Rules for whoever edits this file: between the last check of the budget and `depart` there is no await;
whatever departed is settled, also when it was cancelled; time comes from `clock` and the loop's timers, which
a test replaces by virtual ones.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec
from asyncio_throttle.throttler import Throttler

from collector.buddy import rate_headers
from collector.crawl.rate_limit_state import RateLimitState

__all__ = ["RateLimiter", "RateLimiterState"]

_PERIOD_S = 0.05
# The Throttler frees a place when *more* than a period has passed; waking a hair later spares it a second
# look.
_HAIR_S = 0.0002


class RateLimiterState(msgspec.Struct, frozen=True):
    """Where the pace stands, for the progress line. Moments are UTC by our own clock; None is not known."""

    in_flight: int
    remaining: int | None
    reset_at: datetime | None
    paused_until: datetime | None
    why: str
    paced_seconds: float
    paused_seconds: float
    skew_seconds: float | None
    reserve_squeezed: bool
    limit: int | None = None  # requests of a whole window


class RateLimiter:
    """The pace of one installation, shared by all its workers.

    `requests_per_second` is our ceiling (0 = none), `reserve` the requests of every window left to others.
    `clock` gives monotonic seconds and must agree with the running loop's timers; `wall` gives Unix seconds.
    """

    def __init__(
        self,
        requests_per_second: float = 0.0,
        reserve: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.budget = RateLimitState(reserve)
        self.paced_seconds = 0.0
        self.paused_seconds = 0.0
        self._wall = wall
        self._line = asyncio.Lock()
        self._in_line = 0
        self._changed: asyncio.Event | None = None
        self._throttle: Throttler | None = None
        self._starts: deque[float] = deque(maxlen=1)
        if requests_per_second > 0:
            together = max(1, int(requests_per_second * _PERIOD_S))
            self._throttle = Throttler(together, together / requests_per_second)
            self._starts = deque(maxlen=together)

    async def turn(self) -> float:
        """Wait until one request may be sent, count it as in flight and return its name for `settle`: the
        moment.

        Every attempt takes its own turn, retries too. Turns are given in the order in which they were asked
        for.
        """
        # Where nothing is limited the order does not matter. Whoever lined up behind the first reply would else be joined by
        # all who come later, and be woken one by one for the rest of the crawl.
        if self._throttle is None and (self.budget.unmetered or not self._in_line):
            now = self.clock()
            if not self.budget.next_turn(now):
                self.budget.depart(now)
                return now
        self._in_line += 1
        try:
            async with self._line:
                while True:
                    await self._allowed_by_server()
                    await self._below_ceiling()
                    now = self.clock()
                    if not self.budget.next_turn(now):
                        self.budget.depart(now)
                        return now
        finally:
            self._in_line -= 1

    def settle(
        self,
        sent: float,
        headers: Mapping[str, str] | None,
        *,
        refused: bool = False,
        failed: bool = False,
        unavailable: bool = False,
    ) -> float:
        """Count the request of that turn as come home: with its reply's headers, or None when there was no
        reply.

        `refused`: the reply was a refusal by the rate limit. `failed`: it was a 5xx, which may come from a
        proxy that knows nothing of limits, so that missing headers mean nothing. `unavailable`: it was a 503,
        whose Retry-After is a pause for all workers; returns its seconds, 0.0 when there is none.
        """
        now, asked_s = self.clock(), 0.0
        local_offset = self._wall() - now
        reading = None if headers is None else rate_headers.read_rate_headers(headers)
        if unavailable and reading is not None:
            asked_s = self.budget.unavailable(now, reading, local_offset)
        if failed and reading is not None and reading.remaining is None:
            reading = None
        self.budget.settle(sent, now, reading, local_offset, refused=refused)
        if self._changed is not None:
            self._changed.set()
        return asked_s

    def refused_for(self) -> float:
        """Return for how many seconds nothing but refusals came back, and 503s that asked us to wait; 0.0 when the
        last word was another.
        """
        since = self.budget.refused_since
        return 0.0 if since is None else self.clock() - since

    def paused_for(self) -> float:
        """Return the seconds until the server's word lets the next request go, 0.0 when it does now."""
        return self.budget.next_turn(self.clock())

    @property
    def state(self) -> RateLimiterState:
        """Where the pace stands now."""
        budget, now = self.budget, self.clock()
        wait = budget.next_turn(now)
        return RateLimiterState(
            in_flight=budget.in_flight,
            remaining=budget.remaining if budget.metered else None,
            reset_at=self._moment(budget.reset_at if budget.metered else None, now),
            paused_until=self._moment(now + wait if wait else None, now),
            why=budget.why(now).value,
            paced_seconds=self.paced_seconds,
            paused_seconds=self.paused_seconds,
            skew_seconds=budget.clock.skew(self._wall() - now),
            reserve_squeezed=budget.squeezed,
            limit=budget.size if budget.metered else None,
        )

    def _moment(self, monotonic: float | None, now: float) -> datetime | None:
        return None if monotonic is None else datetime.fromtimestamp(self._wall() + monotonic - now, UTC)

    async def _allowed_by_server(self) -> None:
        """Wait until the budget allows a request: as long as it says, or until a reply changes its mind."""
        began = self.clock()
        wait = self.budget.next_turn(began)
        if not wait:
            return
        self._changed = asyncio.Event()
        try:
            while wait:
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    pass
                self._changed.clear()
                wait = self.budget.next_turn(self.clock())
        finally:
            self._changed = None
            self.paused_seconds += self.clock() - began

    async def _below_ceiling(self) -> None:
        """Wait until one more start keeps us below our own ceiling."""
        if self._throttle is None:
            return
        began = self.clock()
        starts = self._starts
        if len(starts) == starts.maxlen:
            self._throttle.retry_interval = max(_HAIR_S, starts[0] + self._throttle.period + _HAIR_S - began)
        try:
            await self._throttle.acquire()  # type: ignore[no-untyped-call]  # its author left it untyped
        finally:
            self.paced_seconds += self.clock() - began
        starts.append(self.clock())

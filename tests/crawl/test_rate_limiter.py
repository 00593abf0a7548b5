"""The rate limiter, on virtual time: hours of waiting take milliseconds, whatever this machine's speed."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from collector.crawl.rate_limiter import RateLimiter
from tests.crawl.model_server import EPOCH, ModelServer
from tests.crawl.virtual_time import run_virtually

Clock = Callable[[], float]


class Crawl:
    """Workers that acquire a RateLimiter and ask a ModelServer, as the fetcher does."""

    def __init__(self, server: ModelServer, *, rps: float = 0.0, reserve: int = 0, workers: int = 16) -> None:
        self.server, self.rps, self.reserve, self.workers = server, rps, reserve, workers
        self.latency_s = 0.02
        self.neighbour_per_s = 0.0
        self.left = 0
        self.starts: list[float] = []
        self.seconds = 0.0
        self.dice = random.Random(5)

    def run(self, monkeypatch: pytest.MonkeyPatch, requests: int) -> RateLimiter:
        """Crawl until so many requests were answered."""
        self.left = requests

        def make(clock: Clock) -> Awaitable[None]:
            self.limiter = RateLimiter(self.rps, self.reserve, clock=clock, wall=lambda: EPOCH + clock())
            return self._crawl(clock)

        self.seconds = run_virtually(monkeypatch, make)
        return self.limiter

    async def _crawl(self, clock: Clock) -> None:
        neighbour = asyncio.create_task(self._neighbour(clock))
        await asyncio.gather(*(self._work(clock) for _ in range(self.workers)))
        neighbour.cancel()

    async def _work(self, clock: Clock) -> None:
        while self.left > 0:
            sent = await self.limiter.acquire()
            self.starts.append(clock())
            await asyncio.sleep(self.latency_s * self.dice.uniform(0.4, 0.7))
            status, headers = self.server.arrive(clock())
            await asyncio.sleep(self.latency_s * self.dice.uniform(0.4, 0.7))
            self.limiter.release(sent, headers, refused=status == 429)
            self.left -= status == 200

    async def _neighbour(self, clock: Clock) -> None:
        while self.neighbour_per_s:
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) / self.neighbour_per_s)
            self.server.arrive(clock(), neighbour=True)

    def share(self) -> float:
        """Of what every full window allows less the reserve and the neighbour's part, the share that was used."""
        full = list(self.server.counts.values())[1:-1]
        allowed = sum(self.server.limit - others - self.reserve for _, _, others in full)
        return sum(served for served, _, _ in full) / allowed


@pytest.mark.parametrize("rounding", ["floor", "ceil", "exact"])
@pytest.mark.parametrize("phase", [0.0, 0.37, 0.95])
@pytest.mark.parametrize("reserve", [0, 50])
def test_alone_nothing_is_refused_and_the_budget_is_used(
    monkeypatch: pytest.MonkeyPatch, rounding: str, phase: float, reserve: int
) -> None:
    """200 per 2 s, wherever the windows begin and however the reset is rounded: no refusal, at least 97 % used."""
    crawl = Crawl(ModelServer(phase_s=phase, rounding=rounding, skew_s=7.3), reserve=reserve)  # type: ignore[arg-type]
    crawl.run(monkeypatch, 2000)
    assert crawl.server.refusals == 0
    assert crawl.share() >= 0.97
    assert crawl.seconds < 2.2 * 2000 / (196 - reserve) + 2


@pytest.mark.parametrize("skew", [-3600.0, 3600.0, 86_400.0])
def test_a_skewed_clock_makes_no_difference(monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
    """The reset is read against the reply's Date, so a clock that is hours off costs nothing."""
    crawl = Crawl(ModelServer(skew_s=skew), reserve=50)
    limiter = crawl.run(monkeypatch, 1500)
    assert crawl.server.refusals == 0
    assert crawl.share() >= 0.97
    assert limiter.state.skew_seconds == pytest.approx(skew, abs=0.5)


@pytest.mark.parametrize("latency", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("reserve", [0, 50])
def test_a_neighbour_spending_half_costs_hardly_a_refusal(
    monkeypatch: pytest.MonkeyPatch, latency: float, reserve: int
) -> None:
    """With another client using half of the window evenly, at most 2 in 1,000 requests are refused."""
    crawl = Crawl(ModelServer(), reserve=reserve)
    crawl.neighbour_per_s, crawl.latency_s = 50.0, latency
    crawl.run(monkeypatch, 4000)
    assert crawl.server.refusals <= 2 * 4


@pytest.mark.parametrize("reset", ["past", "absent", "absurd", "garbage"])
@pytest.mark.parametrize("reserve", [0, 50])
def test_without_a_usable_reset_the_crawl_goes_on(monkeypatch: pytest.MonkeyPatch, reset: str, reserve: int) -> None:
    """An implausible reset costs some time and few refusals, never the crawl."""
    crawl = Crawl(ModelServer(reset=reset), reserve=reserve)  # type: ignore[arg-type]
    crawl.run(monkeypatch, 1500)
    assert crawl.server.refusals <= (0 if reserve else 8)
    assert crawl.seconds < 60


def test_without_a_date_our_own_clock_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Date is sent the reset is read on the local clock, and where that is wrong the backoff takes over."""
    crawl = Crawl(ModelServer(dates=False), reserve=50)
    crawl.run(monkeypatch, 1500)
    assert crawl.server.refusals == 0
    assert crawl.share() >= 0.97
    crawl = Crawl(ModelServer(dates=False, skew_s=5000), reserve=50)
    crawl.run(monkeypatch, 1500)
    assert crawl.server.refusals == 0
    assert crawl.seconds < 60


@pytest.mark.parametrize("rps", [0.5, 7.0, 20.0, 33.3, 100.0, 400.0])
def test_our_ceiling_is_kept_and_reached(monkeypatch: pytest.MonkeyPatch, rps: float) -> None:
    """Starts come at the asked rate within 3 %, never more in any second, and not in bursts."""
    crawl = Crawl(ModelServer(limit=10**6, period_s=3600.0), rps=rps, workers=32)
    limiter = crawl.run(monkeypatch, 200)
    count, starts = len(crawl.starts), crawl.starts
    rate = (count - 1) / (starts[-1] - starts[0])
    assert 0.97 * rps <= rate <= 1.0 * rps + 0.5
    together = max(1, int(rps * 0.05))
    for first, later in zip(starts, starts[together:], strict=False):
        assert later - first >= together / rps
    paced_s, paused_s = limiter.drain_waits()
    assert paced_s == pytest.approx(starts[-1], rel=0.1)
    assert paused_s < 0.1


def test_waiters_are_served_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever acquires first is served first."""
    order: list[int] = []

    async def ask(limiter: RateLimiter, number: int) -> None:
        sent = await limiter.acquire()
        order.append(number)
        limiter.release(sent, {})

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(50, clock=clock)
        await asyncio.gather(*(ask(limiter, number) for number in range(60)))

    run_virtually(monkeypatch, main)
    assert order == list(range(60))


def test_one_pause_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a refusal with a reset, no worker asks before it; the state says until when and why; the pause
    counts once.
    """
    asked: list[float] = []

    async def ask(limiter: RateLimiter, clock: Clock) -> None:
        sent = await limiter.acquire()
        asked.append(clock())
        limiter.release(sent, {})

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(clock=clock, wall=lambda: EPOCH + clock())
        sent = await limiter.acquire()
        limiter.release(sent, {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(EPOCH + 90)}, refused=True)
        state = limiter.state
        assert state.paused_until is not None
        assert state.paused_until.timestamp() == EPOCH + 90
        assert state.why == "refused by the server's rate limit"
        await asyncio.gather(*(ask(limiter, clock) for _ in range(10)))
        assert limiter.drain_waits()[1] == pytest.approx(90)
        assert limiter.drain_waits() == (0.0, 0.0)
        assert limiter.state.why == ""
        assert limiter.state.paused_until is None
        assert limiter.refused_s() == 0.0

    run_virtually(monkeypatch, main)
    assert asked == [pytest.approx(90)] * 10


def test_a_503_with_retry_after_is_a_pause_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is sent before the moment that a 503 names; the state says why, and a success ends it."""
    asked: list[float] = []

    async def ask(limiter: RateLimiter, clock: Clock) -> None:
        sent = await limiter.acquire()
        asked.append(clock())
        limiter.release(sent, {})

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(clock=clock, wall=lambda: EPOCH + clock())
        limiter.release(await limiter.acquire(), {})
        sent = await limiter.acquire()
        headers = {"Retry-After": "Fri, 01 Jan 2021 00:01:00 GMT", "Date": "Fri, 01 Jan 2021 00:00:00 GMT"}
        assert limiter.release(sent, headers, status=503) == 60.0
        assert limiter.state.why == "the server is unavailable and said when to come back"
        await asyncio.gather(*(ask(limiter, clock) for _ in range(10)))
        assert limiter.refused_s() == 0.0
        # The same header on another failure says nothing of all.
        assert limiter.release(await limiter.acquire(), {"Retry-After": "60"}, status=502) == 0.0
        assert limiter.pause_s() == 0.0

    run_virtually(monkeypatch, main)
    assert asked == [pytest.approx(60)] * 10


@pytest.mark.parametrize("rps", [0.0, 5.0])
def test_a_cancelled_waiter_leaves_its_place(monkeypatch: pytest.MonkeyPatch, rps: float) -> None:
    """Cancelling the first waiter, or a later one, lets the next go and leaks no request in flight."""

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(rps, clock=clock, wall=lambda: EPOCH + clock())
        sent = await limiter.acquire()
        limiter.release(sent, {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(EPOCH + 60)})
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
        await asyncio.sleep(1)
        for task in waiting[:3]:
            task.cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in done] == [True] * 3 + [False] * 2
        assert limiter.state.in_flight == 2
        for each in done[3:]:
            assert isinstance(each, float)
            limiter.release(each, None)
        assert limiter.state.in_flight == 0
        await limiter.acquire()

    run_virtually(monkeypatch, main)


def test_installations_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limiters that share turns have no more requests in flight together; a wait counts as paced, a cancelled one
    leaves no turn taken, and nobody holds a turn during a pause.
    """

    async def main(clock: Clock) -> None:
        turns = asyncio.Semaphore(1)
        us, eu = (RateLimiter(turns=turns, clock=clock, wall=lambda: EPOCH + clock()) for _ in range(2))
        sent = await us.acquire()
        waiting = [asyncio.create_task(eu.acquire()) for _ in range(2)]
        await asyncio.sleep(5)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        us.release(sent, {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(EPOCH + 60)}, refused=True)
        paused = asyncio.create_task(us.acquire())
        eu.release(await waiting[1], {})
        assert eu.drain_waits()[0] == pytest.approx(5)
        eu.release(await eu.acquire(), {})
        assert clock() == pytest.approx(5)
        us.release(await paused, {})
        assert clock() == pytest.approx(60)
        assert not turns.locked()

    run_virtually(monkeypatch, main)


def test_a_failed_reply_without_headers_says_nothing_of_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's 502 is no proof that there is no limit; an ordinary reply without headers is."""

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(clock=clock)
        limiter.release(await limiter.acquire(), {}, status=502)
        assert not limiter._limit.unmetered
        limiter.release(await limiter.acquire(), {})
        assert limiter._limit.unmetered

    run_virtually(monkeypatch, main)


def test_nobody_waits_where_nothing_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a reply has shown that there is no limit, a new request does not wait, not even for those in the queue."""

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(clock=clock)
        sent = await limiter.acquire()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
        await asyncio.sleep(0)
        limiter.release(sent, {})
        with pytest.raises(StopIteration):
            limiter.acquire().send(None)
        assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)
        assert limiter.state.in_flight == 6

    run_virtually(monkeypatch, main)


def test_the_time_of_refusals_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long nothing but refusals came back is known, and any other reply ends it."""

    async def main(clock: Clock) -> None:
        limiter = RateLimiter(clock=clock)
        while limiter.refused_s() < 3600:
            limiter.release(await limiter.acquire(), {}, refused=True)
        assert clock() > 3600
        limiter.release(await limiter.acquire(), {})
        assert limiter.refused_s() == 0.0

    run_virtually(monkeypatch, main)

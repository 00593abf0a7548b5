"""Laws of further rounds, on virtual time: workers and frontier against a model that is away for a while."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import cast

import msgspec
import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.backoff import Limits
from collector.crawl.classify import Failure
from collector.crawl.deferred_requests import DeferredRequests
from collector.crawl.fetch_result import Failed, FetchResult, RequestCost
from collector.crawl.fetcher import Fetcher
from collector.crawl.frontier import Frontier
from collector.crawl.request_budget import RequestBudget
from collector.run.context import RunContext
from collector.run.progress import Observer, SecondRound
from collector.run.reply_processor import ReplyProcessor
from collector.run.worker_pool import WorkerPool
from tests.crawl.model_buddy import AT, EVERYTHING, ModelBuddy, feed, tree
from tests.crawl.virtual_time import run_virtually

Clock = Callable[[], float]
LIMITS = Limits()
ATTEMPTS = 5
# What five attempts and the waits between them take, and what an answer takes.
PURSUIT_S, ANSWER_S = 3.75, 0.2


class Crawl:
    """A crawl of one installation, whose requests fail while `away(request, now)`; the pool's fetcher and processor."""

    def __init__(self, buddy: ModelBuddy, away: Callable[[Request, float], bool], workers: int = 16) -> None:
        self.buddy, self.away, self.workers = buddy, away, workers
        self.asked: list[Request] = []
        self.settled: list[FetchResult] = []
        self.rounds: list[SecondRound] = []
        self.stop_after_s: float | None = None
        self.seconds = 0.0
        self.frontier = Frontier("us", EVERYTHING)

    def run(self, monkeypatch: pytest.MonkeyPatch) -> "Crawl":
        """Crawl to the end, in virtual seconds."""
        self.seconds = run_virtually(monkeypatch, self._crawl)
        return self

    async def get(self, request: Request) -> FetchResult:
        """Fetch one request."""
        self.asked.append(request)
        if self.away(request, self._clock()):
            await asyncio.sleep(PURSUIT_S)
            failure = Failure("http_error", 502, "HTTP 502")
            return FetchResult(request, 502, None, None, failure, RequestCost(ATTEMPTS, 0, 10), AT, AT, transient=True)
        await asyncio.sleep(ANSWER_S)
        document = self.buddy.document(request)
        assert document is not None
        return FetchResult(request, 200, msgspec.json.encode(document), document, None, RequestCost(), AT, AT)

    @property
    def results(self) -> "Crawl":
        """The queue of results: each is processed at once."""
        return self

    async def put(self, result: FetchResult) -> None:
        """Process one result."""
        self.settled.append(result)
        entry = self.buddy.answer(result.request)
        if result.failure is not None:
            entry = Failed(result.request, AT, AT, result.cost, result.failure)
        feed(self.frontier, entry)
        self.pool.wake()

    def event(self, fact: object) -> None:
        """Keep a further round."""
        assert isinstance(fact, SecondRound)
        self.rounds.append(fact)

    async def _crawl(self, clock: Clock) -> None:
        self._clock = clock
        self.pool = WorkerPool(
            self.frontier,
            cast(Fetcher, self),
            cast(ReplyProcessor, self),
            self.workers,
            RunContext(lambda: AT, random.Random(3), cast(Observer, self), asyncio.Event()),
            RequestBudget(),
        )
        if self.stop_after_s is not None:
            asyncio.get_running_loop().call_later(self.stop_after_s, self.pool.stop)
        await self.pool.crawl()

    @property
    def failures(self) -> list[FetchResult]:
        """What was given up."""
        return [result for result in self.settled if result.failure is not None]


def between(begin: float, end: float) -> Callable[[Request, float], bool]:
    """Away from one moment to another."""
    return lambda request, now: begin <= now < end


def broken(*action_ids: int) -> Callable[[Request, float], bool]:
    """Away for ever, for these actions."""
    return lambda request, now: request.action_id in action_ids


@pytest.mark.parametrize("seconds", [3.0, 10.0, 30.0])
@pytest.mark.parametrize("begin", [0.5, 1.5, 3.0])
def test_an_outage_in_mid_crawl_costs_nothing(monkeypatch: pytest.MonkeyPatch, seconds: float, begin: float) -> None:
    """After an outage of up to half a minute nothing is given up, and everything was settled exactly once."""
    crawl = Crawl(ModelBuddy(tree(1, 5, 10, 6)), between(begin, begin + seconds)).run(monkeypatch)
    assert crawl.failures == []
    assert crawl.frontier.finished
    assert len(crawl.settled) == len({result.request for result in crawl.settled}) == 1 + 1 + 5 + 50 + 200
    assert crawl.rounds
    assert all(set(each.failures) == {"HTTP 502"} for each in crawl.rounds)


def test_what_always_fails_is_given_up_after_its_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One broken action costs its attempts in every round and the pauses, then is a failure with all its attempts."""
    crawl = Crawl(ModelBuddy(tree(1, 2, 2, 3)), broken(2)).run(monkeypatch)
    (failed,) = crawl.failures
    assert failed.request.action_id == 2
    assert failed.cost.attempts == ATTEMPTS * 4
    assert failed.cost.bytes_received == 40
    assert [each.number for each in crawl.rounds] == [1, 2, 3]
    assert [each.requests for each in crawl.rounds] == [1, 1, 1]
    assert Counter(crawl.asked)[failed.request] == 4
    assert crawl.seconds < 1.25 * sum(LIMITS.round_pauses_s) + 5 * PURSUIT_S
    assert crawl.frontier.finished


def test_a_round_in_which_nothing_comes_through_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Buddy that went for good, a round asks as many requests as there are workers and puts off the others."""
    crawl = Crawl(ModelBuddy(tree(1, 5, 10, 6)), between(2.0, 1e9), workers=4).run(monkeypatch)
    assert crawl.frontier.finished
    failed = {result.request for result in crawl.failures}
    assert len(failed) > 30
    again = sum(count - 1 for count in Counter(crawl.asked).values())
    assert again <= 3 * 2 * 4
    assert [each.requests for each in crawl.rounds] == [len(failed)] * 3


def test_no_round_before_anything_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the very first request fails it is given up at once: a wrong address should not be waited for."""
    crawl = Crawl(ModelBuddy(tree()), between(0.0, 1e9)).run(monkeypatch)
    assert [result.request.kind for result in crawl.failures] == [Kind.WORKSPACES]
    assert crawl.rounds == []
    assert crawl.seconds == PURSUIT_S


def test_rounds_that_take_long_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause begins later than the limit after the first, however many rounds are left."""
    monkeypatch.setitem(globals(), "PURSUIT_S", 130.0)
    crawl = Crawl(ModelBuddy(tree(1, 1, 1, 1)), broken(2)).run(monkeypatch)
    assert [each.number for each in crawl.rounds] == [1]
    assert len(crawl.failures) == 1


def test_stopping_ends_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that is each to stop in a pause ends at once, and what was set aside is still in flight."""
    crawl = Crawl(ModelBuddy(tree(1, 1, 1, 1)), broken(2))
    crawl.stop_after_s = PURSUIT_S + 2.0
    crawl.run(monkeypatch)
    assert crawl.seconds == pytest.approx(PURSUIT_S + 2.0)
    assert crawl.failures == []
    assert not crawl.frontier.finished
    (aside,) = crawl.pool.deferred.give_up()
    assert aside.request.action_id == 2


def test_pauses_are_bounded_and_drawn() -> None:
    """A pause is its length a quarter more or less, and there are as many as the limits name."""
    deferred = DeferredRequests(LIMITS, 1)
    for pause in LIMITS.round_pauses_s:
        assert deferred.next_pause(0.0, 0.999) == pytest.approx(1.25 * pause, rel=0.01)
        assert deferred.next_pause(0.0, 0.0) == 0.75 * pause
        assert deferred.next_pause(LIMITS.rounds_total_s + 1, 0.0) is None
        deferred.begin_round()
    assert deferred.next_pause(0.0, 0.0) is None

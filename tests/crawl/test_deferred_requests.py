"""Laws of second rounds, on virtual time: workers and frontier against a model that is away for a while."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.backoff import Limits, before_round
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import FetchResult
from collector.crawl.frontier import Frontier
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.redaction import Redactor
from collector.crawl.reply import GivenUp, Reply
from collector.run.progress import SecondRound
from collector.run.worker_pool import WorkerPool
from tests.crawl.model_buddy import AT, EVERYTHING, ModelBuddy, take, tree
from tests.crawl.virtual_time import run_virtually

Clock = Callable[[], float]
LIMITS = Limits()
ATTEMPTS = 5
# What five attempts and the waits between them take, and what an answer takes.
PURSUIT_S, ANSWER_S = 3.75, 0.2


class Crawl:
    """A crawl of one installation, whose requests fail while `away(request, now)`."""

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
        """Return the settled outcome of one request."""
        self.asked.append(request)
        if self.away(request, self._clock()):
            await asyncio.sleep(PURSUIT_S)
            return self._failed(request)
        await asyncio.sleep(ANSWER_S)
        document = self.buddy.document(request)
        assert document is not None
        body = msgspec.json.encode(document)
        return FetchResult(request, 200, body, document, None, 1, 0, len(body), AT, AT)

    def _failed(self, request: Request) -> FetchResult:
        failure = Failure("http_error", 502, "HTTP 502", None, {"password": "s3cret"})
        return FetchResult(request, 502, None, None, failure, ATTEMPTS, 0, 10, AT, AT, transient=True)

    async def _crawl(self, clock: Clock) -> None:
        self._clock = clock
        outcomes: asyncio.Queue[tuple[WorkerPool, FetchResult] | None] = asyncio.Queue(maxsize=32)
        self.crew = WorkerPool(
            self.frontier, self, RateLimiter(clock=clock), Redactor("t0ken", keep_values=False), self.workers,
            rng=random.Random(3), tell=self.rounds.append,
        )  # fmt: skip
        feeding = asyncio.create_task(self._feed(outcomes))
        if self.stop_after_s is not None:
            asyncio.get_running_loop().call_later(self.stop_after_s, self.crew.stop)
        await self.crew.crawl(outcomes)
        await outcomes.put(None)
        await feeding

    async def _feed(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        while (entry := await outcomes.get()) is not None:
            _, outcome = entry
            self.settled.append(outcome)
            settled: Reply | GivenUp = self.buddy.answer(outcome.request)
            if outcome.failure is not None:
                settled = GivenUp(outcome.request, "http_error", "m", 502, outcome.attempts, AT, AT, None)
            take(self.frontier, settled)
            self.crew.wake()

    @property
    def failures(self) -> list[FetchResult]:
        """What was given up."""
        return [outcome for outcome in self.settled if outcome.failure is not None]


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
    assert len(crawl.settled) == len({outcome.request for outcome in crawl.settled}) == 1 + 1 + 5 + 50 + 200
    assert crawl.rounds
    assert all(set(told.failures) == {"HTTP 502"} for told in crawl.rounds)


def test_what_always_fails_is_given_up_after_its_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One broken action costs its attempts in every round and the pauses, then is a failure with all its attempts."""
    crawl = Crawl(ModelBuddy(tree(1, 2, 2, 3)), broken(2)).run(monkeypatch)
    (failed,) = crawl.failures
    assert failed.request.action_id == 2
    assert failed.attempts == ATTEMPTS * 4
    assert failed.bytes_received == 40
    assert [told.number for told in crawl.rounds] == [1, 2, 3]
    assert [told.requests for told in crawl.rounds] == [1, 1, 1]
    assert Counter(crawl.asked)[failed.request] == 4
    assert crawl.seconds < 1.25 * sum(LIMITS.round_pauses_s) + 5 * PURSUIT_S
    assert crawl.frontier.finished


def test_a_set_aside_failure_holds_no_secret_and_no_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a round is short text, redacted."""
    (failed,) = Crawl(ModelBuddy(tree(1, 1, 1, 1)), broken(2)).run(monkeypatch).failures
    assert failed.failure is not None
    assert failed.failure.document is None
    assert failed.failure.raw is not None
    assert "s3cret" not in failed.failure.raw


def test_a_round_in_which_nothing_comes_through_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Buddy that went for good, a round asks as many requests as there are workers and puts off the others."""
    crawl = Crawl(ModelBuddy(tree(1, 5, 10, 6)), between(2.0, 1e9), workers=4).run(monkeypatch)
    assert crawl.frontier.finished
    failed = {outcome.request for outcome in crawl.failures}
    assert len(failed) > 30
    again = sum(count - 1 for count in Counter(crawl.asked).values())
    assert again <= 3 * 2 * 4
    assert [told.requests for told in crawl.rounds] == [len(failed)] * 3


def test_no_round_before_anything_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the very first request fails it is given up at once: a wrong address should not be waited for."""
    crawl = Crawl(ModelBuddy(tree()), between(0.0, 1e9)).run(monkeypatch)
    assert [outcome.request.kind for outcome in crawl.failures] == [Kind.WORKSPACES]
    assert crawl.rounds == []
    assert crawl.seconds == PURSUIT_S


def test_rounds_that_take_long_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause begins later than the limit after the first, however many rounds are left."""
    monkeypatch.setitem(globals(), "PURSUIT_S", 130.0)
    crawl = Crawl(ModelBuddy(tree(1, 1, 1, 1)), broken(2)).run(monkeypatch)
    assert [told.number for told in crawl.rounds] == [1]
    assert len(crawl.failures) == 1


def test_stopping_ends_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crew that is told to stop in a pause ends at once, and what was set aside is still owed."""
    crawl = Crawl(ModelBuddy(tree(1, 1, 1, 1)), broken(2))
    crawl.stop_after_s = PURSUIT_S + 2.0
    crawl.run(monkeypatch)
    assert crawl.seconds == pytest.approx(PURSUIT_S + 2.0)
    assert crawl.failures == []
    assert not crawl.frontier.finished
    (aside,) = crawl.crew.deferred.give_up()
    assert aside.request.action_id == 2


def test_pauses_are_bounded_and_drawn() -> None:
    """A pause is its length a quarter more or less, and there are as many as the limits name."""
    draws: list[Any] = [before_round(number, 0.0, LIMITS, 0.999) for number in (1, 2, 3, 4)]
    assert draws[:3] == [pytest.approx(1.25 * pause, rel=0.01) for pause in LIMITS.round_pauses_s]
    assert draws[3] is None
    assert before_round(2, 0.0, LIMITS, 0.0) == 0.75 * LIMITS.round_pauses_s[1]
    assert before_round(2, LIMITS.rounds_total_s + 1, LIMITS, 0.0) is None

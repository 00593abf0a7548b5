"""Workers and sink: the moving part between the frontier and the journal.

A fixed pool of workers per installation takes requests from its frontier and puts outcomes into one bounded queue; one sink
empties it: redact, append to the journal, and only then feed. Whatever the queue holds when the crawl is stopped is still
journalled. Parquet is written in a thread, so that the disk never holds up the loop.

What fails for a reason that passes is set aside (deferred.py). When nothing else is left to ask, one worker pauses for all
and gives it back to the frontier; after the last round, or at the time limit, it is given up.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.classify import Failure
from collector.crawl.deferred_requests import Deferred
from collector.crawl.fetcher import FetchResult
from collector.crawl.frontier import Frontier, Signal
from collector.crawl.journal import Answered, Entry, Failed, Journal, RequestCost
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.redaction import Redactor
from collector.crawl.reply import MOST_RAW_CHARACTERS
from collector.errors import Stuck, Unauthorised
from collector.lake.flatten import Row
from collector.run.progress import SecondRound
from collector.run.reply_processor import ReplyProcessor

# The journal is synced at least this often: what a power cut may cost.
SYNC_EVERY_S = 5.0
# How long requests under way are waited for once the crawl is told to stop.
DRAIN_S = 5.0


class Getter(Protocol):
    """What a worker needs of the fetcher."""

    async def get(self, request: Request) -> FetchResult:
        """Return the settled outcome of one request."""


class Stager(Protocol):
    """What the sink needs of staging."""

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Gather rows, by table."""

    @property
    def full(self) -> bool:
        """Whether something waits to be written."""

    def write_full(self) -> None:
        """Write it; runs in a thread, beside `append_all`."""


class WorkerPool:
    """The workers of one installation. `limits` and `rng` decide about second rounds, `tell` is told of them."""

    def __init__(
        self,
        frontier: Frontier,
        fetcher: Getter,
        pace: RateLimiter,
        redactor: Redactor,
        concurrency: int,
        *,
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        rng: random.Random | None = None,
        tell: Callable[[SecondRound], None] = lambda fact: None,
    ) -> None:
        self.frontier = frontier
        self.pace = pace
        self.redactor = redactor
        self.unauthorised: Unauthorised | None = None
        self.stuck: Stuck | None = None
        self._fetcher = fetcher
        self.concurrency = concurrency
        self.deferred = Deferred(limits, concurrency)
        self._rng = rng or random.Random()
        self._tell = tell
        self._idle: deque[asyncio.Future[None]] = deque()
        self._stopped = asyncio.Event()
        self._pausing = False
        self._paced = self._paused = 0.0

    async def crawl(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        """Work until the frontier is done, the crew is stopped, or Buddy ends it (then `ended_by` is set)."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.concurrency):
                    group.create_task(self._work(outcomes))
        except* Unauthorised as refused:
            self.unauthorised = next(e for e in refused.exceptions if isinstance(e, Unauthorised))
        except* Stuck as late:
            self.stuck = next(e for e in late.exceptions if isinstance(e, Stuck))

    @property
    def ended_by(self) -> Unauthorised | Stuck | None:
        """What ended the crawl before its time, None when it ended by itself."""
        return self.unauthorised or self.stuck

    def stop(self) -> None:
        """Begin no further request."""
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        """Let as many idle workers look again as there are requests; all of them when there will be none."""
        ended = self._stopped.is_set() or self.frontier.finished
        wanted = max(self.frontier.waiting, int(self._round_is_due))
        for _ in range(len(self._idle) if ended else min(wanted, len(self._idle))):
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)

    def cost(self, outcome: FetchResult) -> RequestCost:
        """Return what an outcome cost, with the waiting since the last one."""
        paced, paused = self.pace.paced_seconds, self.pace.paused_seconds
        cost = RequestCost(
            outcome.attempts, outcome.refusals, outcome.bytes_received,
            round(paced - self._paced, 6), round(paused - self._paused, 6),
        )  # fmt: skip
        self._paced, self._paused = paced, paused
        return cost

    async def _work(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        while (request := await self._next(outcomes)) is not None:
            await self._ask(request, outcomes)

    async def _ask(self, request: Request, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        try:
            outcome = await self._fetcher.get(request)
        except BaseException:
            self.frontier.put_back(request)
            raise
        if outcome.failure is not None and outcome.transient:
            slim = _without_document(self.redactor, outcome.failure)
            outcome.release()
            outcome = msgspec.structs.replace(outcome, failure=slim)
        # Before Buddy has answered anything, it is more likely a wrong address than an outage: nobody should wait for that.
        final = self.deferred.settle(outcome) if self.frontier.answered else outcome
        if final is not None:
            await outcomes.put((self, final))

    async def _next(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> Request | None:
        while not self._stopped.is_set():
            step = self.frontier.next()
            if isinstance(step, Request):
                if self.deferred.puts_off(step):
                    continue
                return step
            if step is Signal.DONE:
                break
            if self._round_is_due:
                await self._next_round(outcomes)
                continue
            idle = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle
        self.wake()
        return None

    @property
    def _round_is_due(self) -> bool:
        """Whether nothing is left but what was set aside, and nobody pauses for it yet."""
        aside = len(self.deferred.waiting)
        return aside > 0 and not self._pausing and not self.frontier.waiting and self.frontier.owed == aside

    async def _next_round(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        """After a pause, ask again what was set aside; where no round is left, give it up."""
        pause_s = self.deferred.pause(self.pace.clock(), self._rng.random())
        if pause_s is None:
            for outcome in self.deferred.give_up():
                await outcomes.put((self, outcome))
            return
        aside = self.deferred.waiting.values()
        failures = Counter(_what_failed(each.failure) for each in aside if each.failure is not None)
        self._tell(
            SecondRound(self.frontier.installation, self.deferred.rounds + 1, len(aside), dict(failures), pause_s)
        )
        self._pausing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopped.wait()
        self._pausing = False
        if not self._stopped.is_set():
            for request in self.deferred.begin_round():
                self.frontier.put_back(request)
        self.wake()


class Sink:
    """The one consumer of outcomes."""

    def __init__(self, journal: Journal, gathering: ReplyProcessor, staging: Stager) -> None:
        self._journal = journal
        self._gathering = gathering
        self._staging = staging
        self._writing: asyncio.Future[None] | None = None
        self._synced_at = 0.0

    async def run(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> None:
        """Take outcomes until None comes, then see the last rows staged and the journal synced."""
        ended = False
        while not ended:
            ended = await self._take_batch(outcomes)
            await self._sync_now_and_then()
        await self._hand_over()
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self._journal.sync)

    async def _take_batch(self, outcomes: "asyncio.Queue[tuple[WorkerPool, FetchResult] | None]") -> bool:
        """Take what is there, at least one; True when None was among it. What it held in memory goes with this frame."""
        batch = [await outcomes.get()]
        while not outcomes.empty():
            batch.append(outcomes.get_nowait())
        settled = [entry for entry in batch if entry is not None]
        self._take(settled)
        if self._gathering.lot:
            await self._hand_over()
        for _, outcome in settled:
            outcome.release()
        return len(settled) < len(batch)

    def _take(self, batch: Sequence[tuple[WorkerPool, FetchResult]]) -> None:
        lines = [journal_line(crew, outcome) for crew, outcome in batch]
        self._journal.append([line for line, _ in lines])
        for line, document in lines:
            self._gathering.take(line, document)
        for crew in {crew for crew, _ in batch}:
            crew.wake()

    async def _hand_over(self) -> None:
        self._staging.append_all(self._gathering.take_rows())
        if self._staging.full:
            # One write is under way at most: if the disk is slower than the crawl, the crawl waits for it here.
            if self._writing is not None:
                await self._writing
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._staging.write_full))

    async def _sync_now_and_then(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._synced_at > SYNC_EVERY_S:
            self._synced_at = now
            await asyncio.to_thread(self._journal.sync)


def journal_line(crew: WorkerPool, outcome: FetchResult) -> tuple[Entry, Any]:
    """Return the redacted journal line of an outcome, and its decoded body when it was answered."""
    cost, redactor, failure = crew.cost(outcome), crew.redactor, outcome.failure
    if failure is None:
        assert outcome.body is not None
        changed = redactor.redact(outcome.body, outcome.document)
        body = msgspec.json.encode(outcome.document) if changed else outcome.body
        line = Answered(outcome.request, outcome.last_seen_at, cost, msgspec.Raw(body), outcome.marked)
        return line, outcome.document
    failure = _without_document(redactor, failure)
    failed = Failed(
        outcome.request, outcome.first_seen_at, outcome.last_seen_at, cost, failure.kind, failure.message,
        failure.http_status, failure.raw,
    )  # fmt: skip
    return failed, None


def _without_document(redactor: Redactor, failure: Failure) -> Failure:
    """Return a failure with the beginning of its document as text, and without secrets."""
    raw = failure.raw
    if failure.document is not None:
        redactor.redact_document(failure.document, strictly=True)
        raw = redactor.redact_text(msgspec.json.encode(failure.document).decode())[:MOST_RAW_CHARACTERS]
    raw = None if raw is None else redactor.redact_text(raw)
    return Failure(failure.kind, failure.http_status, redactor.redact_text(failure.message), raw)


def _what_failed(failure: Failure) -> str:
    """Return what a log line says of a failure that passes: its status, or its kind."""
    status = failure.http_status
    return failure.kind if status is None or status < 400 else f"HTTP {status}"


async def crawl(
    crews: Sequence[WorkerPool], sink: Sink, *, stop: asyncio.Event, told: Callable[[], None], most_s: float | None
) -> bool:
    """Crawl all installations side by side; True when it ended by itself, False when `stop` or the time limit ended it.

    `told` is called once when draining begins. Raises what the journal or staging raise (a full disk).
    """
    outcomes: asyncio.Queue[tuple[WorkerPool, FetchResult] | None] = asyncio.Queue(
        maxsize=2 * sum(c.concurrency for c in crews)
    )
    async with asyncio.TaskGroup() as group:
        sinking = group.create_task(sink.run(outcomes))
        working = [group.create_task(crew.crawl(outcomes)) for crew in crews]
        whole = await _until(working, stop, most_s)
        if not whole:
            told()
            for crew in crews:
                crew.stop()
            _, late = await asyncio.wait(working, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.wait(working)
        if not stop.is_set():
            # A run that was stopped asks for these again when it is resumed; the time limit ends it with what is known.
            for crew in crews:
                for outcome in crew.deferred.give_up() if crew.ended_by is None else ():
                    await outcomes.put((crew, outcome))
        await outcomes.put(None)
        await sinking
    return whole


async def _until(working: Sequence["asyncio.Task[None]"], stop: asyncio.Event, most_s: float | None) -> bool:
    """Wait for all of `working`, for `stop` or for the time limit; True when it was the first."""
    clock = asyncio.get_running_loop().time
    ends_at = None if most_s is None else clock() + most_s
    pending: set[asyncio.Task[Any]] = set(working)
    stopped = asyncio.create_task(stop.wait())
    try:
        while pending and not stop.is_set():
            left = None if ends_at is None else max(0.0, ends_at - clock())
            if left == 0.0:
                break
            done, _ = await asyncio.wait({*pending, stopped}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
        return not pending
    finally:
        stopped.cancel()

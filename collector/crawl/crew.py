"""Workers and sink: the moving part between the frontier and the journal.

A fixed pool of workers per installation takes requests from its frontier and puts outcomes into one bounded queue; one sink
empties it: redact, append to the journal, and only then feed. Whatever the queue holds when the crawl is stopped is still
journalled. Parquet is written in a thread, so that the disk never holds up the loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from collector.buddy.catalogue import Request
from collector.crawl.fetch import Outcome
from collector.crawl.frontier import Frontier, Signal
from collector.crawl.gathering import Gathering
from collector.crawl.journal import Answered, Cost, Entry, Failed, Journal
from collector.crawl.pace import Pace
from collector.crawl.redact import Redactor
from collector.crawl.reply import MOST_RAW_CHARACTERS
from collector.errors import Stuck, Unauthorised
from collector.lake.flatten import Row

# The journal is synced at least this often: what a power cut may cost.
SYNC_EVERY_S = 5.0
# How long requests under way are waited for once the crawl is told to stop.
DRAIN_S = 5.0


class Getter(Protocol):
    """What a worker needs of the fetcher."""

    async def get(self, request: Request) -> Outcome:
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


class Crew:
    """The workers of one installation."""

    def __init__(
        self, frontier: Frontier, fetcher: Getter, pace: Pace, redactor: Redactor, concurrency: int
    ) -> None:
        self.frontier = frontier
        self.pace = pace
        self.redactor = redactor
        self.unauthorised: Unauthorised | None = None
        self.stuck: Stuck | None = None
        self._fetcher = fetcher
        self.concurrency = concurrency
        self._idle: deque[asyncio.Future[None]] = deque()
        self._stopping = False
        self._paced = self._paused = 0.0

    async def crawl(self, outcomes: "asyncio.Queue[tuple[Crew, Outcome] | None]") -> None:
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
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """Let as many idle workers look again as there are requests; all of them when there will be none."""
        ended = self._stopping or self.frontier.finished
        for _ in range(len(self._idle) if ended else min(self.frontier.waiting, len(self._idle))):
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)

    def cost(self, outcome: Outcome) -> Cost:
        """Return what an outcome cost, with the waiting since the last one."""
        paced, paused = self.pace.paced_seconds, self.pace.paused_seconds
        cost = Cost(
            outcome.attempts, outcome.refusals, outcome.bytes_received,
            round(paced - self._paced, 6), round(paused - self._paused, 6),
        )  # fmt: skip
        self._paced, self._paused = paced, paused
        return cost

    async def _work(self, outcomes: "asyncio.Queue[tuple[Crew, Outcome] | None]") -> None:
        while (request := await self._next()) is not None:
            try:
                outcome = await self._fetcher.get(request)
            except BaseException:
                self.frontier.put_back(request)
                raise
            await outcomes.put((self, outcome))

    async def _next(self) -> Request | None:
        while not self._stopping:
            step = self.frontier.next()
            if isinstance(step, Request):
                return step
            if step is Signal.DONE:
                break
            idle = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle
        self.wake()
        return None


class Sink:
    """The one consumer of outcomes."""

    def __init__(self, journal: Journal, gathering: Gathering, staging: Stager) -> None:
        self._journal = journal
        self._gathering = gathering
        self._staging = staging
        self._writing: asyncio.Future[None] | None = None
        self._synced_at = 0.0

    async def run(self, outcomes: "asyncio.Queue[tuple[Crew, Outcome] | None]") -> None:
        """Take outcomes until None comes, then see the last rows staged and the journal synced."""
        ended = False
        while not ended:
            batch = [await outcomes.get()]
            while not outcomes.empty():
                batch.append(outcomes.get_nowait())
            ended = None in batch
            self._take([entry for entry in batch if entry is not None])
            if self._gathering.lot:
                await self._hand_over()
            await self._sync_now_and_then()
        await self._hand_over()
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self._journal.sync)

    def _take(self, batch: Sequence[tuple[Crew, Outcome]]) -> None:
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


def journal_line(crew: Crew, outcome: Outcome) -> tuple[Entry, Any]:
    """Return the redacted journal line of an outcome, and its decoded body when it was answered."""
    cost, redactor, failure = crew.cost(outcome), crew.redactor, outcome.failure
    if failure is None:
        assert outcome.body is not None
        changed = redactor.redact(outcome.body, outcome.document)
        body = msgspec.json.encode(outcome.document) if changed else outcome.body
        line = Answered(outcome.request, outcome.last_seen_at, cost, msgspec.Raw(body), outcome.marked)
        return line, outcome.document
    raw = failure.raw
    if failure.document is not None:
        redactor.redact_document(failure.document, strictly=True)
        raw = redactor.redact_text(msgspec.json.encode(failure.document).decode())[:MOST_RAW_CHARACTERS]
    failed = Failed(
        outcome.request, outcome.first_seen_at, outcome.last_seen_at, cost, failure.kind,
        redactor.redact_text(failure.message), failure.http_status, None if raw is None else redactor.redact_text(raw),
    )  # fmt: skip
    return failed, None


async def crawl(
    crews: Sequence[Crew], sink: Sink, *, stop: asyncio.Event, told: Callable[[], None], most_s: float | None
) -> bool:
    """Crawl all installations side by side; True when it ended by itself, False when `stop` or the time limit ended it.

    `told` is called once when draining begins. Raises what the journal or staging raise (a full disk).
    """
    outcomes: asyncio.Queue[tuple[Crew, Outcome] | None] = asyncio.Queue(
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
            done, _ = await asyncio.wait(
                {*pending, stopped}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            pending -= done
        return not pending
    finally:
        stopped.cancel()

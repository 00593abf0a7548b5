"""Workers: a fixed number per installation takes requests from its frontier, fetches and queues the results.

One task processes the results of all. What was set aside (deferred_requests.py) is returned to the frontier by one
worker, after a pause for all, or given up.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress

from collector.buddy.requests import Request
from collector.crawl.classify import Failure
from collector.crawl.deferred_requests import DeferredRequests
from collector.crawl.fetcher import Fetcher
from collector.crawl.frontier import Frontier
from collector.crawl.request_budget import RequestBudget
from collector.errors import Stuck, Unauthorised
from collector.run.context import RunContext
from collector.run.progress import Draining, SecondRound
from collector.run.reply_processor import ReplyProcessor

# How long requests in flight are waited for once the crawl is stopped.
DRAIN_S = 5.0


class WorkerPool:
    """The workers of one installation, which share the `budget` of the run with those of others.

    `ended_by` is the error that ended their crawl early, None without one.
    """

    def __init__(
        self,
        frontier: Frontier,
        fetcher: Fetcher,
        processor: ReplyProcessor,
        concurrency: int,
        context: RunContext,
        budget: RequestBudget,
    ) -> None:
        self.frontier = frontier
        self.ended_by: Unauthorised | Stuck | None = None
        self.deferred = DeferredRequests(context.limits, concurrency)
        self._fetcher = fetcher
        self._processor = processor
        self._concurrency = concurrency
        self._context = context
        self._budget = budget
        self._idle: deque[asyncio.Future[None]] = deque()
        self._stopped = asyncio.Event()
        self._pausing = False

    async def crawl(self) -> None:
        """Work until nothing may be asked any more, the pool is stopped, or Buddy ends the crawl (see `ended_by`)."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(self._work())
        except* (Unauthorised, Stuck) as group_error:
            errors = [each for each in group_error.exceptions if isinstance(each, Unauthorised | Stuck)]
            self.ended_by = next((each for each in errors if isinstance(each, Unauthorised)), errors[0])

    def stop(self) -> None:
        """Begin no further request."""
        self._stopped.set()
        self.wake()

    async def give_up_deferred(self) -> None:
        """Queue what was set aside as failures."""
        for result in self.deferred.give_up():
            await self._processor.results.put(result)

    async def _work(self) -> None:
        while (request := await self._next()) is not None:
            await self._ask(request)

    async def _ask(self, request: Request) -> None:
        """Fetch and queue the result; when this returns, the worker holds nothing of it."""
        try:
            result = await self._fetcher.get(request)
        except BaseException:
            self.frontier.queue.put_back(request)
            raise
        # Before Buddy has answered anything, a wrong address is more likely than an outage: that is not waited for.
        final = self.deferred.settle(result) if self.frontier.answered else result
        if final is None:
            self.frontier.queue.defer(request)
        else:
            await self._processor.results.put(final)

    async def _next(self) -> Request | None:
        """Return the next request, waiting for one if need be; None at the end."""
        while not self._stopped.is_set():
            request = self.frontier.next(self._budget.left)
            if request is not None:
                if not self.deferred.postpone(request):
                    self._budget.take()
                    return request
            elif self._ended:
                break
            elif self._round_is_due:
                await self._next_round()
            else:
                idle = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
        self.wake()
        return None

    def wake(self) -> None:
        """Wake as many idle workers as there are requests; all of them when there will be none."""
        needed = max(self.frontier.queue.waiting, int(self._round_is_due))
        for _ in range(len(self._idle) if self._ended else min(needed, len(self._idle))):
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)

    @property
    def _ended(self) -> bool:
        """Whether no further request is begun."""
        return self._stopped.is_set() or self.frontier.finished or self._budget.is_spent

    @property
    def _round_is_due(self) -> bool:
        """Whether only what was set aside is under way, and no worker pauses for it yet."""
        deferred = len(self.deferred.waiting)
        return deferred > 0 and not self._pausing and self.frontier.queue.in_flight == deferred

    async def _next_round(self) -> None:
        """After a pause, ask again what was set aside; where no round is left, give it up."""
        pause_s = self.deferred.next_pause(asyncio.get_running_loop().time(), self._context.rng.random())
        if pause_s is None:
            await self.give_up_deferred()
            return
        results = self.deferred.waiting.values()
        failures = dict(Counter(_describe(each.failure) for each in results if each.failure is not None))
        number = self.deferred.rounds + 1
        event = SecondRound(self.frontier.installation, number, len(results), failures, pause_s)
        self._context.observer.event(event)
        self._pausing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopped.wait()
        self._pausing = False
        if not self._stopped.is_set():
            for request in self.deferred.begin_round():
                self.frontier.queue.put_back(request)
        self.wake()


def _describe(failure: Failure) -> str:
    """Return the status or the kind of a failure, for the log."""
    status = failure.http_status
    return failure.kind if status is None or status < 400 else f"HTTP {status}"


async def crawl(
    pools: Sequence[WorkerPool], processor: ReplyProcessor, context: RunContext, time_limit_s: float | None
) -> bool:
    """Crawl all installations side by side; True when it ended by itself, False when a signal or the time limit did.

    Raises what the processor raises (a full disk).
    """
    stop = context.stop
    async with asyncio.TaskGroup() as group:
        group.create_task(_process(processor, pools))
        workers = [group.create_task(pool.crawl()) for pool in pools]
        finished = await _wait(workers, stop, time_limit_s)
        if not finished:
            context.observer.event(Draining("a signal" if stop.is_set() else "the time limit"))
            for pool in pools:
                pool.stop()
            _, late = await asyncio.wait(workers, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.wait(workers)
        if not stop.is_set():
            # A run that was stopped asks for these again when it is resumed; the time limit ends it with what is known.
            for pool in pools:
                if pool.ended_by is None:
                    await pool.give_up_deferred()
        await processor.results.put(None)
    await processor.finish()
    return finished


async def _process(processor: ReplyProcessor, pools: Sequence[WorkerPool]) -> None:
    """Process results until None comes."""
    while await processor.accept_waiting():
        for pool in pools:
            pool.wake()
        await processor.stage()


async def _wait(tasks: Sequence["asyncio.Task[None]"], stop: asyncio.Event, time_limit_s: float | None) -> bool:
    """Wait for all tasks, for `stop` or for the time limit; True when all tasks ended."""
    waits = {asyncio.create_task(asyncio.wait(tasks)), asyncio.create_task(stop.wait())}
    try:
        await asyncio.wait(waits, timeout=time_limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return all(task.done() for task in tasks)

"""One run: lock the lake, resume or begin, replay, crawl, check, publish.

Whatever ends a run early, the manifest is unchanged and the journal holds every reply, unless the error says otherwise.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from collector.crawl.body_budget import BodyBudget
from collector.crawl.connections import share_connections
from collector.crawl.fetcher import Fetcher
from collector.crawl.journal import Journal
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.records import Key, Problem
from collector.crawl.request_budget import RequestBudget
from collector.errors import CheckFailed, CollectorError, Interrupted, NotPublished, SettingsError, Unauthorised
from collector.lake.lake import Lake
from collector.lake.projection import RunKey
from collector.lake.run_directories import REQUESTS_SENT
from collector.lake.staging import Staging
from collector.query import catalog
from collector.run import progress as events
from collector.run.context import RunContext
from collector.run.execution_plans import execution_plans
from collector.run.finalize import FinishedCrawl, finalize
from collector.run.limit_reached import limit_reached
from collector.run.refresh_plans import refresh_plans
from collector.run.reply_processor import ReplyProcessor
from collector.run.resume import REJECTED, abandoned_problem, open_journal
from collector.run.summary import RunSummary
from collector.run.worker_pool import WorkerPool, crawl
from collector.run.worth_publishing import NEW_TOKEN_ADVICE, why_nothing_to_publish
from collector.settings.declarations import Installation, Settings


async def collect(settings: Settings, context: RunContext) -> RunSummary:
    """Collect and publish one run, resuming an interrupted one.

    Raises SettingsError, LakeError, LakeBusy, RefusedByBuddy, NotPublished, CheckFailed and Interrupted.
    """
    lake = Lake.create(settings.lake, expected_files=settings.after_run.files)
    with lake.writing("collect", context.now()):
        try:
            with await asyncio.to_thread(open_journal, lake, settings, context) as journal:
                return await RunInProgress(settings, context, lake, journal).run()
        except ExceptionGroup as group:
            raise _cause(group) from None
        finally:
            # A typing error in a setting should not leave an unwanted lake behind.
            lake.remove_if_empty()


class RunInProgress:
    """A run in progress. `snapshot` may be called at any time."""

    def __init__(self, settings: Settings, context: RunContext, lake: Lake, journal: Journal) -> None:
        header = journal.header
        self._run_key = RunKey(header.run_id, header.started_at.date())
        self._settings = settings
        self._context = context
        self._lake = lake
        self._journal = journal
        self._stage = "replay"
        self._staging = Staging(lake.runs.staging(header.run_id))
        keep_values = settings.variable_values == "keep"
        plans = execution_plans(lake, settings, header.started_at)
        self._processor = ReplyProcessor(
            self._run_key,
            settings.installations,
            journal,
            self._staging,
            keep_values=keep_values,
            executions=plans,
            refresh=refresh_plans(lake, settings, header.started_at, plans),
            with_names=settings.names,
        )
        self._bodies = BodyBudget()
        self._connections = share_connections(len(settings.installations), context.open_files)
        turns = asyncio.Semaphore(self._connections.total) if self._connections.in_turns else None
        self._limiters = {
            each.name: RateLimiter(each.requests_per_second, each.reserve, turns=turns)
            for each in settings.installations
        }

    async def run(self) -> RunSummary:
        """Replay, crawl, check and publish."""
        self._context.observer.watch(self.snapshot)
        await self._replay()
        self._stage = "crawl"
        await self._crawl()
        stats = self._processor.snapshot()
        if (error := why_nothing_to_publish(stats, self._settings)) is not None:
            self._forget()
            raise error
        self._context.observer.event(events.CrawlEnded(self._run_key.run_id, stats.answered))
        self._stage = "closing"
        skews = [limiter.state.skew_seconds for limiter in self._limiters.values()]
        # Of the installation whose clock differs least from this machine's.
        skew = min((each for each in skews if each is not None), key=abs, default=None)
        finished = FinishedCrawl(self._settings, self._lake, self._journal.header, self._processor, self._staging, skew)
        # Beside the checks: it takes as long as they do in a small run. Beside the crawl it would save 0.2 s where the
        # network is slow, and cost more where it is not.
        preparing = asyncio.create_task(asyncio.to_thread(catalog.prepare, self._lake))
        try:
            return await asyncio.to_thread(finalize, finished, self._context.now)
        except CheckFailed:
            self._journal.path.rename(self._journal.path.with_name(REJECTED))
            raise
        finally:
            await preparing

    def snapshot(self) -> events.RunSnapshot:
        """Return the progress of the run now."""
        installations = tuple(
            events.InstallationProgress(name, each, self._limiters[name].state)
            for name, each in self._processor.snapshot().installations.items()
        )
        return events.RunSnapshot(self._run_key.run_id, self._stage, installations)

    async def _replay(self) -> None:
        header = self._journal.header
        for each in header.abandoned:
            self._processor.record(abandoned_problem(self._settings.installations[0].name, each, header.started_at))
        replayed = await asyncio.to_thread(self._processor.replay, self._context.now())
        resumed_count = self._processor.snapshot().resumed_count
        self._context.observer.event(events.RunBegan(header.run_id, header.started_at, resumed_count, replayed))

    async def _crawl(self) -> None:
        path = self._lake.runs.path(self._run_key.run_id) / REQUESTS_SENT
        spent = sum(each.cost.requests for each in self._processor.snapshot().installations.values())
        budget = RequestBudget(self._settings.max_requests, spent=spent, path=path)
        self._say_connections()
        async with AsyncExitStack() as stack:
            stack.enter_context(budget)
            pools = await self._open_pools(stack, budget)
            finished = await crawl(pools, self._processor, self._context, self._settings.max_duration_s)
        if not finished and self._context.stop.is_set():
            raise Interrupted(
                "The run was interrupted; every reply so far is kept.", "Run `collector collect` again: it continues."
            )
        self._require_open_pool(pools)
        # A crawl that ended by itself and left something has come to the limit of its requests.
        limit = "The limit of requests (--max-requests)" if finished else "The time limit (--max-duration)"
        for name in self._processor.frontiers:
            self._end_at(name, limit)

    def _say_connections(self) -> None:
        """Say it once where the limit on open files allows fewer requests in flight than the settings."""
        share, settings = self._connections, self._settings
        if any(each.concurrency > share.each for each in settings.installations):
            open_files, installations = self._context.open_files, len(settings.installations)
            reduced = events.ConcurrencyReduced(open_files, installations, share.each, share.in_turns)
            self._context.observer.event(reduced)

    def _end_at(self, installation: str, limit: str) -> None:
        """End the crawl of an installation that a limit has cut short, and say what was reached."""
        progress = self._processor.frontiers[installation].progress
        if not self._processor.stop(installation, "deadline", f"{limit} was reached"):
            return
        stats = self._processor.snapshot().installations[installation]
        reached = limit_reached(limit, progress, stats.coverage.get(("pipelines", "carried"), 0))
        self._context.observer.event(events.LimitReached(installation, reached))
        if stats.partial:
            self._processor.record(Problem("deadline", Key(installation), reached))

    async def _open_pools(self, stack: AsyncExitStack, budget: RequestBudget) -> list[WorkerPool]:
        """Return a worker pool for each installation that can be asked. Raises SettingsError when there is none."""
        pools: list[WorkerPool] = []
        failed: list[tuple[Installation, SettingsError]] = []
        for each in self._settings.installations:
            try:
                pools.append(await self._open_pool(stack, each, budget))
            except SettingsError as error:
                failed.append((each, error))
        if not pools:
            if not self._processor.snapshot().answered:
                self._forget()
            raise failed[0][1]
        for each, why in failed:
            self._skip(each.name, "connection" if each.token_error is None else "unauthorised", str(why))
        return pools

    async def _open_pool(self, stack: AsyncExitStack, installation: Installation, budget: RequestBudget) -> WorkerPool:
        if installation.token_error is not None:
            raise installation.token_error
        context, share = self._context, self._connections
        installation = replace(installation, concurrency=min(installation.concurrency, share.each))
        limiter, on_event = self._limiters[installation.name], context.observer.event
        fetcher = Fetcher(
            installation, limiter, limits=context.limits, rng=context.rng, now=context.now, on_event=on_event,
            bodies=self._bodies, may_repeat=budget.take, keep_alive=not share.in_turns,
        )  # fmt: skip
        await stack.enter_async_context(fetcher)
        frontier = self._processor.frontiers[installation.name]
        return WorkerPool(frontier, fetcher, self._processor, installation.concurrency, context, budget)

    def _require_open_pool(self, pools: list[WorkerPool]) -> None:
        """Record the installations whose crawl ended early; raises when that is all of them."""
        ended = [(pool.frontier.installation, pool.ended_by) for pool in pools if pool.ended_by is not None]
        if ended and len(ended) == len(pools):
            refused = next((error for _, error in ended if isinstance(error, Unauthorised)), None)
            raise ended[0][1] if refused is None else self._unauthorised(refused)
        for name, error in ended:
            self._skip(name, "unauthorised" if isinstance(error, Unauthorised) else "http_error", str(error))

    def _skip(self, installation: str, problem_kind: str, why: str) -> None:
        self._context.observer.event(events.InstallationSkipped(installation, why))
        self._processor.stop(installation, problem_kind, why.rstrip("."))

    def _unauthorised(self, error: Unauthorised) -> CollectorError:
        if self._processor.snapshot().answered:
            return NotPublished(
                "Buddy refused the token (401) in the middle of the run; every reply so far is kept.",
                f"{NEW_TOKEN_ADVICE} Then run `collector collect` again: it continues.",
            )
        self._forget()
        return error

    def _forget(self) -> None:
        """Remove everything of a run that saw nothing."""
        self._lake.forget_run(self._run_key.run_id)


def _cause(group: ExceptionGroup[Exception]) -> Exception:
    """Return the error that ended a task group: ours if there is one, because it has advice."""
    error: Exception = group.subgroup(CollectorError) or group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error

"""A crawl with real workers and journal, and a scripted fetcher instead of sockets."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import cast

import msgspec

from collector.buddy.requests import Request
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import Failed, FetchResult, RequestCost
from collector.crawl.fetcher import Fetcher
from collector.crawl.journal import FORMAT, Header, Journal, Line, parse
from collector.crawl.request_budget import RequestBudget
from collector.lake.projection import RunKey
from collector.run.context import RunContext
from collector.run.progress import Draining, Observer
from collector.run.reply_processor import ReplyProcessor
from collector.run.worker_pool import WorkerPool, crawl
from collector.settings.declarations import Installation
from collector.settings.secret import Secret
from tests.crawl.model_buddy import AT, ModelBuddy
from tests.run.kept_staging import KeptStaging, Rows

RUN = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))


class ScriptedFetcher:
    """A fetcher that answers from a model, after `before` has been awaited for each request."""

    def __init__(self, buddy: ModelBuddy, before: Callable[[Request], Awaitable[None]] | None = None) -> None:
        self.buddy = buddy
        self.before = before
        self.in_flight = self.most_in_flight = 0
        self.begun: list[Request] = []

    async def get(self, request: Request) -> FetchResult:
        """Fetch one request."""
        self.begun.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if self.before is not None:
                await self.before(request)
            entry = self.buddy.answer(request)
            if isinstance(entry, Failed):
                failure = Failure("timeout", None, entry.failure.message)
                return FetchResult(request, None, None, None, failure, RequestCost(), AT, AT)
            body = bytes(entry.body)
            return FetchResult(request, 200, body, msgspec.json.decode(body), None, RequestCost(), AT, AT)
        finally:
            self.in_flight -= 1


class Run:
    """One crawl with everything it needs, and what came of it."""

    def __init__(
        self,
        directory: Path,
        fetchers: Mapping[str, ScriptedFetcher],
        *,
        concurrency: int = 4,
        staging: KeptStaging | None = None,
    ) -> None:
        self.installations = [Installation(name, "https://api", Secret("t0ken")) for name in fetchers]
        self.path = directory / "journal.jsonl"
        self.journal = Journal.create(self.path, Header(FORMAT, RUN.run_id, AT, "f"))
        self.staging = staging or KeptStaging()
        self.processor = ReplyProcessor(RUN, self.installations, self.journal, self.staging)
        self.stop = asyncio.Event()
        self.drains = 0
        self.context = RunContext(lambda: AT, random.Random(1), cast(Observer, self), self.stop)
        self.pools = [
            WorkerPool(
                self.processor.frontiers[name],
                cast(Fetcher, fetcher),
                self.processor,
                concurrency,
                self.context,
                RequestBudget(),
            )
            for name, fetcher in fetchers.items()
        ]

    @property
    def rows(self) -> Rows:
        """The rows that went to staging."""
        return self.staging.kept

    async def crawl(self, time_limit_s: float | None = None) -> bool:
        """Crawl, bounded in time so that a deadlock is a failure."""
        async with asyncio.timeout(20):
            with self.journal:
                return await crawl(self.pools, self.processor, self.context, time_limit_s)

    def event(self, fact: object) -> None:
        """Count the drains."""
        self.drains += isinstance(fact, Draining)

    def journalled(self) -> list[Line]:
        """The lines of the journal after its header."""
        lines = [parse(raw) for raw in self.path.read_bytes().splitlines(keepends=True)[1:]]
        return [line for line in lines if line is not None]

    def replayed(self) -> Rows:
        """The rows that the journal alone gives."""
        journal, staging = Journal.resume(self.path), KeptStaging()
        assert journal is not None
        with journal:
            replayed = ReplyProcessor(RUN, self.installations, journal, staging).replay(AT)
        assert replayed == len(self.journalled()) - 1
        return staging.kept

"""Runs one after another against a Buddy that is a plain value: each with the state that the one before it left.

The state is kept as the lake keeps it (sql/changes/pipeline_state.sql), and so are the rows of each run: what was read,
and what was carried from the run that holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from collector.buddy.requests import Kind, Request
from collector.crawl.fetch_result import Answered
from collector.crawl.frontier import Frontier
from collector.crawl.records import CrawlRecord, Key, ListedItem, PipelineRead, Problem, Promotion, pipeline_key
from collector.crawl.refresh_plan import KnownPipeline, RefreshPlan, ordered
from tests.crawl.model_buddy import EVERYTHING, ModelBuddy, feed

FIRST = datetime(2026, 11, 23, 2, 15)
NIGHT = timedelta(days=1)


@dataclass
class ModelRun:
    """One published run: its requests, its promotions with the moment they were read, and what it says of pipelines."""

    started_at: datetime
    asked: list[Request] = field(default_factory=list)
    records: list[CrawlRecord] = field(default_factory=list)
    promotions: dict[Key, tuple[Any, datetime]] = field(default_factory=dict)

    @property
    def coverage(self) -> Mapping[Key, str]:
        """The coverage of each pipeline."""
        return {
            each.key: each.coverage
            for each in self.records
            if isinstance(each, ListedItem) and each.kind is Kind.PIPELINES
        }

    @property
    def complete(self) -> bool:
        """Whether nothing is missing from the run."""
        return not any(isinstance(each, Problem) for each in self.records)

    @property
    def read(self) -> set[Key]:
        """The pipelines that were read whole."""
        return {each.key for each in self.records if isinstance(each, PipelineRead) and each.read_at is not None}


class ModelRuns:
    """Runs a night apart, with a refresh and a budget of requests."""

    def __init__(self, buddy: ModelBuddy, *, refresh: timedelta = timedelta(), max_requests: int | None = None) -> None:
        self.buddy = buddy
        self.refresh = refresh
        self.max_requests = max_requests
        self.known: dict[Key, KnownPipeline] = {}
        self.runs: list[ModelRun] = []
        self._sources: dict[Key, ModelRun] = {}

    def run(self, started_at: datetime | None = None, *, kills: tuple[int, ...] = (), workers: int = 1) -> ModelRun:
        """Run once; after each number of replies in `kills` the process dies and the journal is replayed."""
        last = self.runs[-1].started_at if self.runs else FIRST - NIGHT
        run = ModelRun(started_at or last + NIGHT)
        plan = RefreshPlan(run.started_at, self.refresh, dict(self.known))
        if self.max_requests is not None:
            plan = ordered(plan, self.max_requests)
        journal: list[Any] = []
        for until in (*sorted(kills), None):
            frontier, run.records = Frontier("us", EVERYTHING, refresh=plan), []
            for entry in journal:
                assert frontier.queue.claim(entry.request)
                run.records += feed(frontier, entry)
            self._crawl(frontier, run, journal, until, workers)
        run.records += frontier.stop("deadline", "The limit was reached")
        self._publish(run)
        return run

    def _crawl(self, frontier: Frontier, run: ModelRun, journal: list[Any], until: int | None, workers: int) -> None:
        """Crawl until the end, or until the journal has `until` lines; what was outstanding then is lost."""
        outstanding: list[Request] = []
        while until is None or len(journal) < until:
            left = None if self.max_requests is None else self.max_requests - len(journal) - len(outstanding)
            while len(outstanding) < workers and (request := frontier.next(left)) is not None:
                outstanding.append(request)
                left = None if left is None else left - 1
            if not outstanding:
                return
            entry = self.buddy.answer(outstanding.pop(0))
            if isinstance(entry, Answered):
                entry = replace(entry, at=run.started_at)
            else:
                entry = replace(entry, first_seen_at=run.started_at, last_seen_at=run.started_at)
            journal.append(entry)
            run.asked.append(entry.request)
            run.records += feed(frontier, entry)

    def _publish(self, run: ModelRun) -> None:
        for record in run.records:
            if isinstance(record, Promotion):
                run.promotions[record.key] = record.document, run.started_at
            elif isinstance(record, PipelineRead):
                self.known[record.key] = KnownPipeline(
                    record.entry_hash, record.read_at, record.asked_at, record.requests
                )
                self._sources[record.key] = run
        for key, coverage in run.coverage.items():
            if coverage == "carried":
                source = self._sources[key].promotions
                run.promotions |= {each: row for each, row in source.items() if pipeline_key(each) == key}
                self._sources[key] = run
        listed = {
            each.key
            for each in run.records
            if isinstance(each, ListedItem) and each.kind is Kind.PROJECTS and each.coverage == "complete"
        }
        for key in [key for key in self.known if replace(key, pipeline_id=None) in listed]:
            if key not in run.coverage:
                del self.known[key]
        self.runs.append(run)

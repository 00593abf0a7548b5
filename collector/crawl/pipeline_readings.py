"""The pipelines that a crawl reads: which are open, what each took, and whether it was read whole. Pure.

A pipeline is open from its entry in the list until its list of actions, each of its promotions and its executions are
settled. Then a record says what the next run must know of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from collector.buddy.requests import Kind, Request
from collector.crawl.execution_history import digest
from collector.crawl.pagination import is_probe
from collector.crawl.records import CrawlRecord, Key, ListedItem, PipelineRead, key_of, pipeline_key
from collector.crawl.refresh_plan import RefreshPlan
from collector.crawl.request_queue import Fit

# Coverages of a pipeline, its actions and its executions after which nothing of it is unknown.
_SEEN = frozenset({"complete", "fetched", "not_promote_image", "gone", "not_asked", "not_needed", None})
_BELOW_PROJECTS = frozenset({Kind.PIPELINES, Kind.ACTIONS})


class ReadingProgress(NamedTuple):
    """How far a run got with pipelines: `known` in all, `read` in this run, with so many `requests`.

    `estate` is how many requests it takes to read all that are known once, as far as that is known.
    """

    known: int
    read: int
    requests: int
    estate: int


class _Reading:
    """One pipeline that is open: `began_at` is when its first reply came, `closed` its record once it has one."""

    def __init__(self, entry_hash: str, expected: int) -> None:
        self.entry_hash = entry_hash
        self.expected = expected
        self.began_at: datetime | None = None
        self.requests = 0
        self.open_actions = 0
        self.whole = True
        self.closed: ListedItem | None = None


class PipelineReadings:
    """The pipelines of one installation that are open."""

    def __init__(self, plan: RefreshPlan) -> None:
        self._plan = plan
        self._open: dict[Key, _Reading] = {}
        self._begun: dict[Key, _Reading] = {}
        # The pipelines whose cost is known, and their costs: the last that is known of each.
        costs = [each.requests for each in plan.known.values() if each.requests]
        self._costed, self._costs = len(costs), sum(costs)
        self._pipelines = len(plan.known)
        self._read = self._requests = 0

    def open(self, key: Key, entry: Mapping[str, Any]) -> None:
        """Note a pipeline that is to be read."""
        self._open[key] = _Reading(digest(entry), self.cost(key))
        self._pipelines += key not in self._plan.known

    def open_action(self, pipeline: Key) -> None:
        """Note that an action of an open pipeline needs a request of its own."""
        self._open[pipeline].open_actions += 1

    def begin(self, key: Key) -> None:
        """Note that the first request of a pipeline was handed out, or answered."""
        self._begun[key] = self._open[key]

    def is_reached(self, key: Key) -> bool:
        """Return whether anything of an open pipeline was answered."""
        return self._open[key].began_at is not None

    def cost(self, key: Key) -> int:
        """Return how many requests a pipeline will probably take: as many as last time, else as many as others."""
        return self._last_cost(key) or max(1, round(self._costs / max(1, self._costed)))

    @property
    def progress(self) -> ReadingProgress:
        """How far the run got."""
        unknown = self._pipelines - self._costed
        estate = self._costs + unknown * max(1, round(self._costs / max(1, self._costed)))
        return ReadingProgress(self._pipelines, self._read, self._requests, estate)

    def fit(self, request: Request, left: int, *, idle: bool) -> Fit:
        """Return whether a list can be asked for while so many requests are left.

        A pipeline only if it can probably be finished, besides those that were begun; with `idle` none is under way.
        """
        cost = self.cost(key_of(request)) if request.kind is Kind.ACTIONS else 1
        if cost > left:
            return Fit.NEVER
        if not self._costed and self._begun and not idle:
            return Fit.LATER  # the first pipeline of all shows what one takes
        promised = sum(max(each.open_actions, each.expected - each.requests, 0) for each in self._begun.values())
        return Fit.NOW if idle or cost + promised <= left else Fit.LATER

    def follow(
        self, request: Request, requests: int, at: datetime, records: Iterable[CrawlRecord]
    ) -> list[PipelineRead]:
        """Count a settled request, which took so many attempts, and return what ended with its records."""
        # A reply about one list can end the lists of other pipelines, too (pagination.py).
        touched = self._take(records)
        if request.pipeline_id is not None:
            key = Key(request.installation, request.workspace, request.project, request.pipeline_id)
            reading = self._begun[key] = self._open[key]
            if not is_probe(request):  # it is for all lists of its kind
                reading.requests += requests
                self._requests += requests
            reading.began_at = reading.began_at or at
            reading.open_actions -= request.kind is Kind.ACTION
            if key not in touched:
                touched.append(key)
        return [self._end(key, at) for key in touched if self._is_settled(key)]

    def stop(self, records: Iterable[CrawlRecord]) -> list[PipelineRead]:
        """End all readings with their last records, which say what was not seen.

        What was not read whole is not known any more; what was not reached stays as it was, and is new if it was not
        known before.
        """
        self._take(records)
        ended = [
            PipelineRead(
                key, reading.entry_hash, None, self._asked_at(key), reading.requests + reading.open_actions, None
            )
            for key, reading in self._open.items()
            if reading.began_at is not None or key not in self._plan.known
        ]
        self._open.clear()
        self._begun.clear()
        return ended

    def _last_cost(self, key: Key) -> int:
        known = self._plan.known.get(key)
        return 0 if known is None else known.requests

    def _asked_at(self, key: Key) -> datetime | None:
        known = self._plan.known.get(key)
        return None if known is None else known.asked_at

    def _take(self, records: Iterable[CrawlRecord]) -> list[Key]:
        """Note what the records say of open pipelines, and return those whose own record is among them."""
        closed: list[Key] = []
        for record in records:
            if not isinstance(record, ListedItem) or record.kind not in _BELOW_PROJECTS:
                continue
            is_pipeline = record.kind is Kind.PIPELINES
            is_seen = record.coverage in _SEEN and record.executions_coverage in _SEEN
            # Most records are of actions that were seen: they say nothing.
            if (not is_seen or is_pipeline) and (reading := self._open.get(pipeline_key(record.key))) is not None:
                reading.whole &= is_seen
                if is_pipeline:
                    reading.closed = record
                    closed.append(record.key)
        return closed

    def _is_settled(self, key: Key) -> bool:
        reading = self._open[key]
        return reading.closed is not None and not reading.open_actions

    def _end(self, key: Key, at: datetime) -> PipelineRead:
        reading = self._open.pop(key)
        self._begun.pop(key, None)
        assert reading.closed is not None, "only a settled reading is ended"
        last_cost = self._last_cost(key)
        self._costed += not last_cost
        self._costs += reading.requests - last_cost
        self._read += 1
        read_at = reading.began_at if reading.whole else None
        since = reading.closed.executions_from
        return PipelineRead(key, reading.entry_hash, read_at, at, reading.requests, since, self._plan.read_with)

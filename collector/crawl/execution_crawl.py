"""All executions of one crawl: which pipelines are asked for them, and what their replies reveal. Pure.

The frontier passes on the replies about executions and queues the requests that follow. A pipeline is asked when it
holds a promote-image action, or held one in an earlier run, unless it never ran.
"""

from collections.abc import Collection
from typing import NamedTuple

from msgspec.structs import replace

from collector.buddy.decode import ExecutionDetail, ListPage
from collector.buddy.requests import Kind, Request
from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.execution_reading import ExecutionReading
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.problems import broken_items, given_up, not_understood, repeated_page
from collector.crawl.records import (
    CrawlRecord,
    ExecutionHistory,
    Key,
    ListedItem,
    Problem,
    ReadExecution,
    coverage_of,
    key_of,
)

_NEVER_RAN = "INITIAL"


class Step(NamedTuple):
    """What follows from one reply: records, further requests, and the kind of what is done with it, if anything."""

    records: list[CrawlRecord]
    requests: list[Request]
    done: Kind | None = None


class ExecutionCrawl:
    """The readings of all pipelines of one installation that are not ended; without a plan nothing is requested."""

    def __init__(self, plan: ExecutionPlan | None) -> None:
        self._plan = plan
        self._readings: dict[Key, ExecutionReading] = {}

    def begin(self, pipeline: ListedItem, promotion_statuses: Collection[object], *, stopped: bool = False) -> Step:
        """Begin with the executions of a pipeline whose actions were listed, or end with it at once.

        `promotion_statuses` are the last_execution_status of its promote-image actions. When the crawl is `stopped`,
        nothing more is requested.
        """
        plan, key = self._plan, pipeline.key
        if plan is None:
            return Step([replace(pipeline, executions_coverage="not_asked")], [])
        history = plan.histories.get(key)
        coverage = _coverage_without_request(pipeline, promotion_statuses, history, is_held=key in plan.held)
        if coverage is None and stopped:
            coverage = "skipped"
        if coverage is not None:
            # Of a pipeline that never ran, nothing is missing.
            executions_from = plan.since if coverage == "not_needed" and promotion_statuses else None
            return Step([replace(pipeline, executions_coverage=coverage, executions_from=executions_from)], [])
        reading = ExecutionReading(pipeline, history or ExecutionHistory(), plan.since, plan.now)
        self._readings[key] = reading
        return Step([], [reading.first_request()])

    def feed(self, reply: Answered, content: ListPage | ExecutionDetail) -> Step:
        """Move on by one reply."""
        key = key_of(reply.request)
        reading = self._readings[key]
        if isinstance(content, ListPage):
            new_items, following = reading.read_page(reply.request, content.items)
            records = broken_items(reply, key, new_items)
            if following is not None:
                return Step(records, [following])
            if reading.repeats:
                records.append(repeated_page(reply, key))
            return self._end_list(reading, "failed" if reading.repeats else "complete", records)
        records, read = _read_execution(reply, content, reading)
        reading.settle(read)
        return Step([*records, read, *self._close(reading)], [], Kind.EXECUTION)

    def give_up(self, failed: Failed) -> Step:
        """Move on without a reply."""
        request, key = failed.request, key_of(failed.request)
        reading = self._readings[key]
        is_later_page = request.kind is Kind.EXECUTIONS and reading.answered
        problem = given_up(failed, key, is_later_page=is_later_page)
        coverage = "failed" if is_later_page else coverage_of(problem.kind)
        if request.kind is Kind.EXECUTIONS:
            return self._end_list(reading, coverage, [problem])
        assert request.execution_id is not None
        read = reading.without_reply(request.execution_id, coverage)
        reading.settle(read)
        return Step([problem, read, *self._close(reading)], [], Kind.EXECUTION)

    def stop(self, problem_kind: str, reason: str) -> list[CrawlRecord]:
        """End all readings now: what is open gets the coverage of `problem_kind`, and each pipeline a problem."""
        records: list[CrawlRecord] = []
        for key, reading in list(self._readings.items()):
            records.append(Problem(problem_kind, key, f"{reason}: its executions were not read to the end"))
            records += reading.stop(coverage_of(problem_kind))
            records += self._close(reading)
        return records

    def _end_list(self, reading: ExecutionReading, coverage: str, records: list[CrawlRecord]) -> Step:
        requests = reading.end_list(coverage)
        return Step([*records, *self._close(reading)], requests, Kind.EXECUTIONS)

    def _close(self, reading: ExecutionReading) -> list[CrawlRecord]:
        if not reading.ended:
            return []
        del self._readings[reading.pipeline.key]
        return list(reading.close())


def _coverage_without_request(
    pipeline: ListedItem, promotion_statuses: Collection[object], history: ExecutionHistory | None, *, is_held: bool
) -> str | None:
    """Return the coverage of a pipeline's executions where nothing needs to be requested, else None."""
    if pipeline.coverage == "gone":
        return "gone"
    if not promotion_statuses and history is None and not is_held:
        # Where the actions are unknown, so is whether there are executions to read.
        return "not_needed" if pipeline.coverage == "complete" else pipeline.coverage
    never_ran = pipeline.document.get("last_execution_status") == _NEVER_RAN or (
        history is None and bool(promotion_statuses) and all(each == _NEVER_RAN for each in promotion_statuses)
    )
    return "not_needed" if never_ran else None


def _read_execution(
    reply: Answered, detail: ExecutionDetail, reading: ExecutionReading
) -> tuple[list[CrawlRecord], ReadExecution]:
    """Return the problems of one execution, and its record."""
    key, number = reading.pipeline.key, reply.request.execution_id
    assert number is not None
    if detail.violation is not None:
        return [not_understood(reply, key, detail.violation, detail.document)], reading.without_reply(number, "failed")
    records = broken_items(reply, key, [item for _, item in detail.elements])
    elements = tuple((position, item.document) for position, item in detail.elements if item.violation is None)
    coverage = "failed" if records else "fetched"
    return records, ReadExecution(key, number, detail.document, coverage, reply.at, elements)

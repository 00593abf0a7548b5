"""One pipeline with executions as a plain value, without sockets, and run after run that reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from collector.buddy.decode import decode
from collector.buddy.requests import Kind, Request
from collector.crawl.classify import Failure
from collector.crawl.execution_crawl import ExecutionCrawl
from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.fetch_result import Answered, Failed, RequestCost
from collector.crawl.records import CrawlRecord, ExecutionHistory, Key, ListedItem, ReadExecution, ReadHistory

KEY = Key("us", "w", "p", 7)
DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 1, 2)
PROMOTION = {"id": 1, "type": "PROMOTE_IMAGE", "name": "promote"}


def entry(number: int, began: datetime, status: str = "SUCCESSFUL", **members: Any) -> dict[str, Any]:
    """A list entry of an execution."""
    return {"id": number, "status": status, "start_date": f"{began.isoformat()}Z", "finish_date": None, **members}


class OnePipeline:
    """A pipeline as a plain value: its executions by id; `order` sorts the list, `failing` are ids whose GET fails."""

    def __init__(self, clamp: int = 50) -> None:
        self.executions: dict[int, dict[str, Any]] = {}
        self.order = lambda number: -number
        self.clamp = clamp
        self.failing: dict[int | None, tuple[str, int]] = {}
        self.asked: list[Request] = []

    def add(self, began: datetime, status: str = "SUCCESSFUL") -> int:
        """Begin an execution."""
        number = max(self.executions, default=0) + 1
        self.executions[number] = entry(number, began, status)
        return number

    def answer(self, request: Request) -> Answered | Failed:
        """The reply to a request, or why there is none."""
        self.asked.append(request)
        now = datetime(2026, 11, 1, tzinfo=UTC)
        if (failure := self.failing.get(request.execution_id)) is not None:
            return Failed(request, now, now, RequestCost(), Failure(failure[0], failure[1], "it failed"))  # type: ignore[arg-type]
        if request.kind is Kind.EXECUTIONS:
            size = min(self.clamp, request.per_page)
            listed = [self.executions[number] for number in sorted(self.executions, key=self.order)]
            document: Any = {"executions": listed[(request.page - 1) * size : request.page * size]}
        else:
            element = {"action_execution_id": "a1", "status": "SUCCESSFUL", "action": PROMOTION}
            document = {**self.executions[request.execution_id or 0], "action_executions": [element]}
        return Answered(request, now, RequestCost(), msgspec.Raw(msgspec.json.encode(document)))


class Runs:
    """Run after run over one pipeline, each with the history that the one before left."""

    def __init__(self, pipeline: OnePipeline, window: timedelta = 7 * DAY) -> None:
        self.pipeline = pipeline
        self.window = window
        self.history: ExecutionHistory | None = None

    def run(self, now: datetime, *, limit: int | None = None, status: str = "SUCCESSFUL") -> list[CrawlRecord]:
        """One run at `now`, stopped after `limit` requests."""
        self.pipeline.asked = []
        histories = {} if self.history is None else {KEY: self.history}
        crawl = ExecutionCrawl(ExecutionPlan(now - self.window, now, histories))
        parent = ListedItem(Kind.PIPELINES, KEY, 1, {"id": 7}, readable=True, coverage="complete", envelope={})
        step = crawl.begin(parent, [status])
        records, waiting = list(step.records), list(step.requests)
        while waiting and len(self.pipeline.asked) != limit:
            reply = self.pipeline.answer(waiting.pop())
            if isinstance(reply, Failed):
                step = crawl.give_up(reply)
            else:
                step = crawl.feed(reply, decode(reply.request, msgspec.json.decode(reply.body)))  # type: ignore[arg-type]
            records += step.records
            waiting += step.requests
        records += crawl.stop("deadline", "the time was up")
        for record in records:
            if isinstance(record, ReadHistory):
                self.history = record.history
        return records

    @property
    def pages(self) -> int:
        """The pages of the list that the last run requested."""
        return sum(request.kind is Kind.EXECUTIONS for request in self.pipeline.asked)

    @property
    def read(self) -> list[int]:
        """The executions that the last run requested, in order."""
        return [request.execution_id or 0 for request in self.pipeline.asked if request.kind is Kind.EXECUTION]


def coverage(records: list[CrawlRecord]) -> tuple[str | None, datetime | None]:
    """Coverage of the executions in the pipeline's record, and from when none is missing."""
    (pipeline,) = [record for record in records if isinstance(record, ListedItem)]
    return pipeline.executions_coverage, pipeline.executions_from


def rows(records: list[CrawlRecord]) -> dict[int, str]:
    """Coverage by execution."""
    return {record.execution_id: record.coverage for record in records if isinstance(record, ReadExecution)}

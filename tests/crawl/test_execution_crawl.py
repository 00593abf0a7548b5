"""Laws of the executions of a pipeline: what is requested, what becomes known, and what the next run does with it."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.buddy.requests import Kind, Request
from collector.crawl.execution_crawl import ExecutionCrawl
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.records import ListedItem, Problem, ReadExecution
from tests.crawl.one_pipeline import BEGIN, DAY, KEY, PROMOTION, OnePipeline, Runs, coverage, rows


def test_the_first_run_reads_the_window() -> None:
    """The first run reads what began in its window, the newest first, and nothing older."""
    pipeline = OnePipeline()
    for days in (30, 8, 6, 1):
        pipeline.add(BEGIN - days * DAY)
    runs = Runs(pipeline)
    records = runs.run(BEGIN)
    assert (runs.pages, runs.read) == (1, [4, 3])
    assert coverage(records) == ("complete", BEGIN - 7 * DAY)
    assert [each.elements for each in records if isinstance(each, ReadExecution)] == [
        ((1, {"action_execution_id": "a1", "status": "SUCCESSFUL", "action": PROMOTION}),)
    ] * 2


def test_a_run_in_which_nothing_ran_costs_one_list() -> None:
    """After a first run, one page of the list is requested and no execution; with N new ones, N are."""
    pipeline = OnePipeline()
    for hours in range(119, 0, -1):
        pipeline.add(BEGIN - hours * DAY / 24)
    runs = Runs(pipeline)
    runs.run(BEGIN)
    assert (runs.pages, len(runs.read)) == (3, 119)
    runs.run(BEGIN + DAY)
    assert (runs.pages, runs.read) == (1, [])
    new = [pipeline.add(BEGIN + DAY + hour * DAY / 24) for hour in range(3)]
    records = runs.run(BEGIN + 2 * DAY)
    assert (runs.pages, runs.read) == (1, new[::-1])
    assert coverage(records) == ("complete", BEGIN - 7 * DAY)


def test_a_waiting_execution_is_read_until_it_ends() -> None:
    """An execution that had not ended is read again in every run, also when it is far down the list."""
    pipeline = OnePipeline()
    waiting = pipeline.add(BEGIN - DAY, "WAITING_FOR_APPLY")
    runs = Runs(pipeline)
    runs.run(BEGIN)
    for _ in range(70):
        pipeline.add(BEGIN + DAY / 2)
    runs.run(BEGIN + DAY)
    runs.run(BEGIN + 20 * DAY)
    assert (runs.pages, runs.read) == (1, [waiting])
    pipeline.executions[waiting]["status"] = "SUCCESSFUL"
    runs.run(BEGIN + 21 * DAY)
    assert runs.read == [waiting]
    runs.run(BEGIN + 22 * DAY)
    assert runs.read == []


@pytest.mark.parametrize(("age", "again"), [(2, True), (13, True), (15, False)])
def test_a_retry_is_read_again_for_14_days(age: int, again: bool) -> None:
    """An ended execution whose list entry has changed is read again, unless it began more than 14 days ago."""
    pipeline = OnePipeline()
    number = pipeline.add(BEGIN - DAY, "FAILED")
    runs = Runs(pipeline)
    runs.run(BEGIN)
    pipeline.executions[number]["status"] = "SUCCESSFUL"
    runs.run(BEGIN + (age - 1) * DAY)
    assert runs.read == ([number] if again else [])
    runs.run(BEGIN + age * DAY)
    assert runs.read == []


def test_a_longer_window_is_read_once() -> None:
    """A longer window reads what is older than everything read before, and a later run does not."""
    pipeline = OnePipeline()
    for days in range(40, 0, -1):
        pipeline.add(BEGIN - days * DAY)
    runs = Runs(pipeline)
    runs.run(BEGIN)
    assert runs.read == list(range(40, 33, -1))
    runs.window = 30 * DAY
    records = runs.run(BEGIN + DAY)
    assert runs.read == list(range(33, 11, -1))
    assert coverage(records) == ("complete", BEGIN + DAY - 30 * DAY)
    runs.run(BEGIN + 2 * DAY)
    assert (runs.pages, runs.read) == (1, [])


def test_a_pipeline_made_again_is_read_anew() -> None:
    """Where the ids begin again, nothing is known any more: what began in the window is read."""
    pipeline = OnePipeline()
    for _ in range(5):
        pipeline.add(BEGIN - DAY, "WAITING_FOR_APPLY")
    runs = Runs(pipeline)
    runs.run(BEGIN)
    pipeline.executions = {}
    pipeline.add(BEGIN + DAY / 2)
    runs.run(BEGIN + DAY)
    assert runs.read == [1]
    assert runs.history is not None
    assert runs.history.highest_id == 1


def test_a_pipeline_made_again_up_to_the_same_id() -> None:
    """A recent execution that is not known is read, although the highest id is the one that is known."""
    pipeline = OnePipeline()
    pipeline.add(BEGIN - 10 * DAY)
    runs = Runs(pipeline)
    runs.run(BEGIN)
    assert runs.read == []
    pipeline.executions = {}
    pipeline.add(BEGIN + DAY / 2)
    runs.run(BEGIN + DAY)
    assert runs.read == [1]


def test_an_order_that_does_not_fall_is_read_to_its_end() -> None:
    """Where ids do not fall from item to item, the list is read to its last page, and nothing is missed."""
    pipeline = OnePipeline(clamp=20)
    for hours in range(100, 0, -1):
        pipeline.add(BEGIN - hours * DAY / 24)
    pipeline.order = lambda number: (number * 37) % 101
    runs = Runs(pipeline)
    runs.run(BEGIN)
    assert sorted(runs.read) == list(range(1, 101))
    assert len(runs.read) == 100
    new = pipeline.add(BEGIN + DAY / 2)
    runs.run(BEGIN + DAY)
    assert (runs.pages, runs.read) == (6, [new])


def test_an_execution_that_could_not_be_read_is_read_in_the_next_run() -> None:
    """A failed GET makes the executions incomplete and leaves a row; the next run asks for it again."""
    pipeline = OnePipeline()
    pipeline.add(BEGIN - DAY)
    failing = pipeline.add(BEGIN - DAY / 2)
    pipeline.failing[failing] = ("http_error", 500)
    runs = Runs(pipeline)
    records = runs.run(BEGIN)
    assert coverage(records) == ("failed", None)
    assert rows(records) == {1: "fetched", failing: "failed"}
    assert [each.kind for each in records if isinstance(each, Problem)] == ["http_error"]
    pipeline.failing = {}
    records = runs.run(BEGIN + DAY)
    assert runs.read == [failing]
    assert coverage(records) == ("complete", BEGIN - 7 * DAY)


def test_a_gone_execution_is_not_asked_for_again() -> None:
    """An execution whose GET says 404 is gone: the executions stay complete, and no later run asks for it."""
    pipeline = OnePipeline()
    gone = pipeline.add(BEGIN - DAY, "INPROGRESS")
    pipeline.failing[gone] = ("gone", 404)
    runs = Runs(pipeline)
    assert coverage(runs.run(BEGIN))[0] == "complete"
    runs.run(BEGIN + DAY)
    assert runs.read == []


@pytest.mark.parametrize(("kind", "status", "expected"), [("forbidden", 403, "forbidden"), ("gone", 404, "gone")])
def test_a_refused_list_costs_nothing_else(kind: str, status: int, expected: str) -> None:
    """Where the list is refused, one problem says so, no execution is asked for, and what was known stays known."""
    pipeline = OnePipeline()
    pipeline.add(BEGIN - DAY, "INPROGRESS")
    runs = Runs(pipeline)
    runs.run(BEGIN)
    before = runs.history
    pipeline.failing[None] = (kind, status)
    records = runs.run(BEGIN + DAY)
    assert coverage(records) == (expected, None)
    (problem,) = [each for each in records if isinstance(each, Problem)]
    assert ("the scope PIPELINE_READ (EXECUTION_INFO before August 2026)" in problem.message) is (kind == "forbidden")
    assert (runs.read, runs.history) == ([], before)


@pytest.mark.parametrize(("clamp", "count", "expected"), [(50, 60, "failed"), (20, 25, "failed"), (30, 30, "complete")])
def test_a_page_that_is_always_the_first_ends_the_list(clamp: int, count: int, expected: str) -> None:
    """Where a full page comes again in place of the next, what follows is unknown; where it was not full, it is all."""
    pipeline = OnePipeline(clamp)
    for _ in range(count):
        pipeline.add(BEGIN - DAY)
    answer = pipeline.answer

    def first_page(request: Request) -> Answered | Failed:
        if request.kind is not Kind.EXECUTIONS:
            return answer(request)
        return replace(answer(replace(request, page=1)), request=request)

    pipeline.answer = first_page  # type: ignore[method-assign]
    records = Runs(pipeline).run(BEGIN)
    assert coverage(records)[0] == expected
    problems = [each.kind for each in records if isinstance(each, Problem)]
    assert problems == (["unsettled_listing"] if expected == "failed" else [])
    assert len(rows(records)) == min(clamp, count)


def test_a_pipeline_that_never_ran_is_not_asked() -> None:
    """A pipeline whose promotions are all INITIAL costs no request, and nothing of it is missing."""
    runs = Runs(OnePipeline())
    records = runs.run(BEGIN, status="INITIAL")
    assert runs.pipeline.asked == []
    assert coverage(records) == ("not_needed", BEGIN - 7 * DAY)


def test_without_a_plan_nothing_is_asked() -> None:
    """With --executions off every pipeline says not_asked."""
    parent = ListedItem(Kind.PIPELINES, KEY, 1, {"id": 7}, readable=True, coverage="complete", envelope={})
    step = ExecutionCrawl(None).begin(parent, ["SUCCESSFUL"])
    assert step.requests == []
    assert coverage(step.records) == ("not_asked", None)


MOVES = st.lists(st.sampled_from(["begin", "wait", "end", "retry", "fail", "heal", "cut", "again"]), max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(MOVES, min_size=1, max_size=8), st.integers(20, 50), st.integers(0, 70))
def test_nothing_is_missed_and_nothing_is_read_twice(days: list[list[str]], clamp: int, before: int) -> None:
    """After a complete run each execution since `executions_from` was read as it is now, whatever happened before."""
    pipeline = OnePipeline(clamp)
    for number in range(before):
        pipeline.add(BEGIN - 10 * DAY + number * DAY / 7)
    runs = Runs(pipeline)
    stored: dict[int, str] = {}
    for day, moves in enumerate(days):
        now, limit = BEGIN + day * DAY, None
        for move in moves:
            numbers = sorted(pipeline.executions)
            if move in {"begin", "wait"}:
                pipeline.add(now - DAY / 3, "SUCCESSFUL" if move == "begin" else "WAITING_FOR_APPLY")
            elif move == "end" and numbers:
                pipeline.executions[numbers[-1]]["status"] = "FAILED"
            elif move == "retry" and numbers:
                pipeline.executions[numbers[-1]].update(status="SUCCESSFUL", finish_date=f"{now.isoformat()}Z")
            elif move == "fail" and numbers:
                pipeline.failing[numbers[-1]] = ("timeout", 0)
            elif move == "heal":
                pipeline.failing = {}
            elif move == "cut":
                limit = 2
            elif move == "again":
                pipeline.executions, pipeline.failing, stored = {}, {}, {}
                pipeline.add(now - DAY / 4)
        records = runs.run(now, limit=limit)
        assert len(pipeline.asked) == len(set(pipeline.asked))
        for record in records:
            if isinstance(record, ReadExecution) and record.coverage == "fetched":
                stored[record.execution_id] = record.document["status"]
        state, complete_from = coverage(records)
        assert (state == "complete") == (complete_from is not None)
        if complete_from is not None:
            assert (
                stored.items()
                >= {
                    number: each["status"]
                    for number, each in pipeline.executions.items()
                    if datetime.fromisoformat(each["start_date"]).replace(tzinfo=None) >= complete_from
                }.items()
            )

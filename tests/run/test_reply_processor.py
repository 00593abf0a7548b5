"""Laws of the way of one reply: rows are a function of the journal, and no secret reaches it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.placeholders import NO_CHARACTER, REDACTED, TOKEN
from collector.buddy.requests import Kind, Request
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import Answered, Failed, FetchResult, RequestCost
from collector.crawl.journal import Abandoned, Resumed
from collector.crawl.records import Key, Problem
from collector.lake.tables import TABLES
from collector.run import reply_processor as module
from collector.run.reply_processor import selection
from collector.run.resume import abandoned_problem
from tests.crawl.model_buddy import AT, ModelBuddy, tree
from tests.request_builders import action_request, workspaces_request
from tests.run.processed_replies import TOKEN_HELD, Run, accepted, fetched, installation


def broken(world: Any, failing: bool) -> ModelBuddy:
    """A model with a failure and a broken item in it."""
    buddy = ModelBuddy(world)
    if failing:
        buddy.failures["/workspaces/w0/projects/p0000/pipelines"] = ("timeout", None)
    buddy.edit = lambda r, document: (
        document.update(timeout="long") if r.kind is Kind.ACTION and r.action_id == 5 else None
    )
    return buddy


WORLDS = st.builds(tree, st.integers(0, 2), st.integers(1, 3), st.integers(0, 2), st.integers(0, 4)) | st.builds(
    tree, st.just(1), st.sampled_from([21, 51]), st.just(1), st.integers(0, 1)
)


@settings(max_examples=100, deadline=None)
@given(WORLDS, st.booleans(), st.integers(0, 60))
def test_rows_are_a_function_of_the_journal(world: Any, failing: bool, cut: int) -> None:
    """Replaying a beginning of a journal gives the rows and statistics of the crawl; continuing gives the same end."""
    live = Run().crawl(broken(world, failing), cut)
    resumed = Run(lines=live.lines)
    assert resumed.replay() == len(live.lines)
    assert resumed.stats() == live.stats()
    assert resumed.rows == live.rows

    undisturbed = Run().crawl(broken(world, failing))
    resumed.crawl(broken(world, failing))
    assert resumed.rows == undisturbed.rows
    assert resumed.stats() == undisturbed.stats()


@settings(max_examples=100, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False))
def test_lines_fed_in_another_order_give_the_same_rows(world: Any, order: Any) -> None:
    """A journal whose replies overtook one another replays to the rows of asking one by one."""
    alone, other, buddy = Run().crawl(broken(world, True)), Run(), broken(world, True)
    outstanding: list[Request] = []
    while True:
        while isinstance(request := other.frontier.next(), Request):
            outstanding.append(request)
        if not outstanding:
            break
        other.processor.accept(fetched(buddy, outstanding.pop(order.randrange(len(outstanding)))))
    replayed = Run(lines=other.lines)
    assert replayed.replay() == len(other.lines)
    assert alone.rows == other.rows == replayed.rows
    assert replayed.stats() == other.stats()


def test_a_line_that_answers_nothing_is_refused() -> None:
    """A line of another installation, of a request never made, a second answer and a header end the replay."""
    [line] = Run().crawl(ModelBuddy(tree(1)), 1).lines
    assert isinstance(line, Answered)
    foreign = msgspec.structs.replace(line, request=workspaces_request("eu"))
    early = msgspec.structs.replace(line, request=Request("us", Kind.PROJECTS, "w9", page=1, per_page=50))
    for refused in (foreign, early, line):
        run = Run(lines=[line, refused])
        assert run.replay() == 1
        assert [type(each) for each in run.lines] == [Answered, Resumed]


@pytest.mark.parametrize("repaired", [True, False])
def test_a_placeholder_means_something_only_where_the_line_says_so(repaired: bool) -> None:
    """Text that looks like a placeholder is data; only in a repaired reply does it cost its action the row."""
    run, buddy = Run(), ModelBuddy(tree(1, 1, 1, 1))
    buddy.edit = lambda r, document: document.update(name=f"a{NO_CHARACTER}D83D]") if r.kind is Kind.ACTION else None
    while isinstance(request := run.frontier.next(), Request):
        result = fetched(buddy, request)
        run.processor.accept(msgspec.structs.replace(result, repaired=repaired and request.kind is Kind.ACTION))
    tables = Counter(table for table, _ in run.rows)
    assert tables["promote_image_actions"] == (not repaired)
    assert tables["problems"] == repaired


def test_each_resumption_is_counted() -> None:
    """Each line that says the run was resumed counts once, and a replay that found any line adds one."""
    run = Run(lines=[Resumed(AT), Resumed(AT)])
    assert run.replay() == 2
    assert run.processor.snapshot().resumed_count == 3
    assert run.lines == [Resumed(AT)] * 3
    nothing = Run()
    assert nothing.replay() == 0
    assert nothing.processor.snapshot().resumed_count == 0


def test_costs_add_up() -> None:
    """Requests are attempts and refusals together, and only attempts after the first are retries."""
    run, buddy = Run(), ModelBuddy(tree(1, 1))
    for cost in (RequestCost(1, 0, 10, 0.5, 1.0), RequestCost(3, 2, 5, 0.25, 0.0), RequestCost(0, 1, 0)):
        request = run.frontier.next()
        assert isinstance(request, Request)
        run.processor.accept(msgspec.structs.replace(fetched(buddy, request), cost=cost))
    stats = run.processor.snapshot().installations["us"]
    assert (stats.cost.requests, stats.retries, stats.cost.refusals, stats.cost.bytes_received) == (7, 2, 3, 15)
    assert (stats.cost.paced_seconds, stats.cost.paused_seconds) == (0.75, 1.0)


def test_rows_are_drained_once() -> None:
    """Problems that come from no reply become rows too, and draining empties them."""
    run = Run()
    run.processor.record(Problem("check", Key("us"), "a"))
    run.processor.record(abandoned_problem("us", Abandoned("20261122T021500Z-aaaaaa", "it is old"), AT))
    rows = run.processor.drain()["problems"]
    names = TABLES["problems"].column_names
    assert [row[names.index("message")] for row in rows] == [
        "a", "Run 20261122T021500Z-aaaaaa was abandoned: it is old",
    ]  # fmt: skip
    assert (run.processor.drain(), run.partial) == ({}, False)


async def test_a_batch_is_so_many_rows_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go to staging once there are so many, or so many bytes of replies behind them, and then no more."""
    monkeypatch.setattr(module, "BATCH_BYTES", 1_000)
    run, buddy = Run(), ModelBuddy(tree(1, 3))
    batches = []
    for padding in (b"", b" " * 1_000, b""):
        request = run.frontier.next()
        assert isinstance(request, Request)
        result = fetched(buddy, request)
        assert result.body is not None
        run.processor.accept(msgspec.structs.replace(result, body=result.body + padding))
        await run.processor.stage()
        batches.append(len(run.staging.batches))
    assert batches == [0, 1, 1]


def test_the_selection_is_the_installations_globs() -> None:
    """Workspaces and projects are chosen by their own globs, and plain names spare the list of workspaces."""
    globs = selection(installation(workspaces=("a*", "!ab"), projects=("web",)))
    assert [globs.workspace(name) for name in ("aa", "ab", "b")] == [True, False, False]
    assert [globs.project(name) for name in ("web", "aa")] == [True, False]
    assert globs.exact_workspaces is None
    assert selection(installation(workspaces=("a", "b", "!c"))).exact_workspaces == ("a", "b")


ACTION = action_request("us", "w0", "p0000", 1, 2)


def journalled(body: bytes) -> Answered:
    """The journal line of an action that was answered with this body."""
    run = Run().crawl(ModelBuddy(tree(1, 1, 1, 1)), 4)
    assert run.frontier.next() == ACTION
    run.processor.accept(accepted(ACTION, body))
    line = run.lines[-1]
    assert isinstance(line, Answered)
    assert line.request == ACTION
    return line


def test_a_reply_without_secrets_is_journalled_byte_by_byte() -> None:
    """The body of a harmless reply is kept exactly as it was sent."""
    body = b'{ "id" : 2, "x":1.50 }'
    line = journalled(body)
    assert (bytes(line.body), line.at) == (body, AT)


def test_a_secret_never_reaches_the_journal() -> None:
    """A reply with secrets is journalled, and becomes rows, without them."""
    held = {"id": 2, "variables": [{"key": "A", "value": "s3cret"}], "src": {"password": "s3cret"}, "n": TOKEN_HELD}
    assert msgspec.json.decode(journalled(msgspec.json.encode(held)).body) == {
        "id": 2, "variables": [{"key": "A", "value": REDACTED}], "src": {"password": REDACTED}, "n": TOKEN,
    }  # fmt: skip


def test_a_failure_is_journalled_as_the_fetcher_returned_it() -> None:
    """Kind, status, message and raw text are the fetcher's, with the moments of the first and the last reply."""
    run = Run()
    request = run.frontier.next()
    assert isinstance(request, Request)
    failure = Failure("forbidden", 403, "no", "raw")
    cost = RequestCost(3, 1, 5)
    run.processor.accept(FetchResult(request, 403, None, None, failure, cost, AT, AT + timedelta(seconds=9)))
    assert run.lines == [Failed(request, AT, AT + timedelta(seconds=9), cost, failure)]
    assert run.stats()["first_failure"] == "no"

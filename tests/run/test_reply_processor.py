"""Laws of gathering: rows are a function of the journal, and a night is partial when something selected was missed."""

from collections import Counter
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.placeholders import NO_CHARACTER
from collector.buddy.requests import Kind, Request, workspaces_request
from collector.crawl.journal import FORMAT, Answered, Entry, Failed, Header, RequestCost, Resumed
from collector.crawl.records import Key, Problem
from collector.crawl.reply import Reply
from collector.lake.flatten import RunKey
from collector.lake.tables import TABLES
from collector.run import reply_processor as gathering_module
from collector.run.reply_processor import ReplyProcessor, RunStats, abandoned_problem, selection
from collector.settings.declarations import Installation
from collector.settings.secret import Secret
from tests.crawl.model_buddy import AT, ModelBuddy, Settled, tree

STAMP = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))
Rows = Counter[tuple[str, str]]


def installation(name: str = "us", **members: Any) -> Installation:
    """An installation with these globs."""
    return Installation(name, "https://api", Secret("t"), **members)


def line_of(settled: Settled, document: dict[str, Any] | None) -> Entry:
    """The journal line of what the model answered; every request cost something different."""
    cost = RequestCost(1 + len(settled.request.path) % 3, len(settled.request.path) % 2, 10, 0.25, 0.5)
    if isinstance(settled, Reply):
        return Answered(settled.request, AT, cost, msgspec.Raw(msgspec.json.encode(document)))
    return Failed(settled.request, AT, AT, cost, settled.failure_kind, settled.message, settled.http_status)


def served(buddy: ModelBuddy, request: Request) -> tuple[Entry, Any]:
    """The journal line of a request and its body, decoded."""
    settled = buddy.answer(request)
    document = buddy.document(request)
    if document is not None:
        buddy.edit(request, document)
    return line_of(settled, document), document


def crawled(gathering: ReplyProcessor, buddy: ModelBuddy, most: int = 10**6) -> list[Entry]:
    """Crawl on until the end, or for so many requests; return the lines in the order in which they were taken."""
    lines: list[Entry] = []
    for frontier in gathering.frontiers.values():
        while len(lines) < most and isinstance(request := frontier.next(), Request):
            line, document = served(buddy, request)
            gathering.take(line, document)
            lines.append(line)
    return lines


def rows_of(gathering: ReplyProcessor) -> Rows:
    """Take the rows, as a multiset."""
    return Counter((table, repr(row)) for table, rows in gathering.take_rows().items() for row in rows)


def tallied(gathering: ReplyProcessor) -> list[dict[str, Any]]:
    """All that the tallies hold."""
    return [vars(tally) for tally in gathering.tallies.values()]


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
    """Replaying any beginning of a journal gives the rows and tallies that were had live, and crawling on the same end."""
    live = ReplyProcessor(STAMP, [installation()])
    lines = crawled(live, broken(world, failing), cut)
    replayed = ReplyProcessor(STAMP, [installation()])
    for line in lines:
        assert replayed.replay(line)
    assert tallied(replayed) == tallied(live)
    assert replayed.waiting_rows == live.waiting_rows
    beginning = rows_of(replayed)
    assert beginning == rows_of(live)
    assert (replayed.answered, replayed.partial) == (live.answered, live.partial)

    undisturbed = ReplyProcessor(STAMP, [installation()])
    crawled(undisturbed, broken(world, failing))
    crawled(replayed, broken(world, failing))
    assert beginning + rows_of(replayed) == rows_of(undisturbed)
    assert tallied(replayed) == tallied(undisturbed)


@settings(max_examples=100, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False))
def test_lines_fed_in_another_order_give_the_same_rows(world: Any, order: Any) -> None:
    """A journal whose replies overtook one another replays to the rows of asking one by one."""
    alone, other = ReplyProcessor(STAMP, [installation()]), ReplyProcessor(STAMP, [installation()])
    crawled(alone, broken(world, True))
    frontier, buddy, outstanding = other.frontiers["us"], broken(world, True), list[Request]()
    lines: list[Entry] = []
    while True:
        while isinstance(request := frontier.next(), Request):
            outstanding.append(request)
        if not outstanding:
            break
        line, document = served(buddy, outstanding.pop(order.randrange(len(outstanding))))
        other.take(line, document)
        lines.append(line)
    replayed = ReplyProcessor(STAMP, [installation()])
    assert all(replayed.replay(line) for line in lines)
    expected = rows_of(alone)
    assert rows_of(other) == expected
    assert rows_of(replayed) == expected
    assert tallied(replayed) == tallied(other)


def test_a_line_that_answers_nothing_is_refused() -> None:
    """A line of another installation, of a request never made, a second answer and a header aren't taken."""
    gathering = ReplyProcessor(STAMP, [installation()])
    [line] = crawled(ReplyProcessor(STAMP, [installation()]), ModelBuddy(tree(1)), 1)
    foreign = msgspec.structs.replace(line, request=workspaces_request("eu"))
    early = msgspec.structs.replace(line, request=Request("us", Kind.PROJECTS, "w0", page=1, per_page=50))
    assert not gathering.replay(foreign)
    assert not gathering.replay(early)
    assert not gathering.replay(Header(FORMAT, "r", AT, "f"))
    assert gathering.replay(line)
    assert not gathering.replay(line)
    assert gathering.answered == 1


@pytest.mark.parametrize("marked", [True, False])
def test_a_mark_means_something_only_where_the_line_says_so(marked: bool) -> None:
    """Text that looks like a mark is data; only in a reply that held no characters does it cost its action the row."""
    gathering, buddy = ReplyProcessor(STAMP, [installation()]), ModelBuddy(tree(1, 1, 1, 1))
    buddy.edit = lambda r, document: document.update(name=f"a{NO_CHARACTER}D83D]") if r.kind is Kind.ACTION else None
    frontier = gathering.frontiers["us"]
    while isinstance(request := frontier.next(), Request):
        line, document = served(buddy, request)
        if isinstance(line, Answered) and request.kind is Kind.ACTION:
            line = msgspec.structs.replace(line, marked=marked)
        gathering.take(line, document)
    rows = gathering.take_rows()
    assert len(rows.get("promote_image_actions", [])) == (not marked)
    assert len(rows.get("problems", [])) == marked


def test_being_taken_up_again_is_counted() -> None:
    """Each line that says the run was resumed counts once."""
    gathering = ReplyProcessor(STAMP, [installation()])
    assert gathering.replay(Resumed(AT))
    assert gathering.replay(Resumed(AT))
    assert gathering.resumed_count == 2


def test_costs_add_up() -> None:
    """Requests are attempts and refusals together, and only attempts after the first are retries."""
    tally = RunStats()
    for cost in (RequestCost(1, 0, 10, 0.5, 1.0), RequestCost(3, 2, 5, 0.25, 0.0), RequestCost(0, 1, 0)):
        tally.add_cost(cost)
    assert (tally.requests, tally.retries, tally.refusals, tally.bytes_received) == (7, 2, 3, 15)
    assert (tally.paced_seconds, tally.paused_seconds) == (0.75, 1.0)


PARTIAL = [
    ("forbidden", True), ("api_disabled", True), ("frozen", True), ("timeout", True), ("http_error", True),
    ("not_understood", True), ("gone", False),
]  # fmt: skip
PATHS = [
    "/workspaces/w0/projects", "/workspaces/w0/projects/p0000/pipelines",
    "/workspaces/w0/projects/p0000/pipelines/1/actions", "/workspaces/w0/projects/p0000/pipelines/1/actions/2",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "partial"), PARTIAL)
@pytest.mark.parametrize("path", PATHS)
def test_a_night_is_partial_when_something_selected_was_missed(path: str, kind: str, partial: bool) -> None:
    """Whatever failed or was forbidden makes the night partial at any depth; what is gone doesn't."""
    buddy = ModelBuddy(tree(2, 2, 2, 2))
    buddy.failures[path] = (kind, None)
    gathering = ReplyProcessor(STAMP, [installation()])
    crawled(gathering, buddy)
    assert gathering.partial is partial
    assert gathering.tallies["us"].problems == {kind: 1}


@pytest.mark.parametrize("kind", ["forbidden", "gone", "timeout"])
def test_without_the_list_of_workspaces_a_night_is_partial(kind: str) -> None:
    """Whatever befell the list of workspaces, nothing below it was seen."""
    buddy = ModelBuddy(tree(1))
    buddy.failures["/workspaces"] = (kind, None)
    gathering = ReplyProcessor(STAMP, [installation("us"), installation("eu")])
    crawled(gathering, buddy)
    assert gathering.partial


@pytest.mark.parametrize(
    ("kind", "change", "partial"),
    [
        (Kind.WORKSPACES, {"domain": 7}, True), (Kind.WORKSPACES, {"id": "x"}, True), (Kind.PROJECTS, {"name": 7}, True),
        (Kind.PROJECTS, {"status": 7}, True), (Kind.PIPELINES, {"tags": 7}, True), (Kind.ACTIONS, {"name": 7}, True),
        (Kind.ACTION, {"timeout": "x"}, True), (Kind.ACTION, {"type": "FTP"}, False), (Kind.ACTION, {"new": 1}, False),
    ],
)  # fmt: skip
def test_what_breaks_the_contract_makes_a_night_partial(kind: Kind, change: dict[str, Any], partial: bool) -> None:
    """An item or action that can't be understood was not seen; a new field or another type is no breach."""
    buddy = ModelBuddy(tree(1, 1, 1, 1))
    buddy.edit = lambda r, d: (d[kind.value][0] if r.list_key else d).update(change) if r.kind is kind else None
    gathering = ReplyProcessor(STAMP, [installation()])
    crawled(gathering, buddy)
    assert gathering.partial is partial


@pytest.mark.parametrize("change", [{"status": 7}, {}])
def test_what_was_not_selected_never_makes_a_night_partial(change: dict[str, Any]) -> None:
    """A project that the globs leave out is `skipped`, even broken, and the night is complete."""
    buddy = ModelBuddy(tree(1, 2, 1, 1))
    buddy.edit = lambda r, document: document["projects"][0].update(change) if r.kind is Kind.PROJECTS else None
    gathering = ReplyProcessor(STAMP, [installation(projects=("!p0000",))])
    crawled(gathering, buddy)
    assert not gathering.partial
    assert gathering.tallies["us"].coverage == {
        ("workspaces", "complete"): 1, ("projects", "complete"): 1, ("projects", "skipped"): 1,
        ("pipelines", "complete"): 1, ("actions", "fetched"): 1,
    }  # fmt: skip
    assert gathering.tallies["us"].problems == ({"not_understood": 1} if change else {})


def test_a_deadline_makes_a_night_partial_and_leaves_finished_crawls_alone() -> None:
    """Stopping leaves what is open `skipped` with problems; a crawl that was done is not touched."""
    gathering = ReplyProcessor(STAMP, [installation("us"), installation("eu")])
    crawled(gathering, ModelBuddy(tree(1)), 2)
    crawled_eu = gathering.frontiers["eu"]
    while isinstance(request := crawled_eu.next(), Request):
        gathering.take(*served(ModelBuddy(tree(1)), request))
    assert [tally["partial"] for tally in tallied(gathering)] == [False, False]
    gathering.take_rows()
    for name in ("us", "eu"):
        gathering.stop(name, "deadline", "Time is up")
    assert gathering.partial
    assert [tally["partial"] for tally in tallied(gathering)] == [True, False]
    assert {table: {row[2] for row in rows} for table, rows in gathering.take_rows().items()} == {
        "projects": {"us"}, "problems": {"us"},
    }  # fmt: skip


def test_rows_are_handed_over_once() -> None:
    """Taking rows empties them, and how many wait is known."""
    gathering = ReplyProcessor(STAMP, [installation()])
    gathering.note(Problem("check", Key("us"), "a"))
    gathering.note(abandoned_problem("us", "20261122T021500Z-aaaaaa", "it is old", AT))
    assert gathering.waiting_rows == 2
    rows = gathering.take_rows()["problems"]
    names = TABLES["problems"].column_names
    assert [row[names.index("message")] for row in rows] == [
        "a", "Run 20261122T021500Z-aaaaaa was abandoned: it is old",
    ]  # fmt: skip
    assert (gathering.waiting_rows, gathering.take_rows(), gathering.partial) == (0, {}, False)


def test_large_replies_make_smaller_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are to be taken once there are so many, or so many bytes of replies behind them, and then no more."""
    monkeypatch.setattr(gathering_module, "BYTES_PER_LOT", 1_000)
    gathering = ReplyProcessor(STAMP, [installation()])
    buddy = ModelBuddy(tree(1, 3))
    workspaces = gathering.frontiers["us"].next()
    assert isinstance(workspaces, Request)
    gathering.take(*served(buddy, workspaces))
    lots = [gathering.lot]
    projects = gathering.frontiers["us"].next()
    assert isinstance(projects, Request)
    line, document = served(buddy, projects)
    assert isinstance(line, Answered)
    gathering.take(msgspec.structs.replace(line, body=msgspec.Raw(bytes(line.body) + b" " * 1_000)), document)
    lots.append(gathering.lot)
    gathering.take_rows()
    assert [*lots, gathering.lot] == [False, True, False]


def test_the_selection_is_the_installations_globs() -> None:
    """Workspaces and projects are chosen by their own globs, and plain names spare the list of workspaces."""
    globs = selection(installation(workspaces=("a*", "!ab"), projects=("web",)))
    assert [globs.workspace(name) for name in ("aa", "ab", "b")] == [True, False, False]
    assert [globs.project(name) for name in ("web", "aa")] == [True, False]
    assert globs.exact_workspaces is None
    assert selection(installation(workspaces=("a", "b", "!c"))).exact_workspaces == ("a", "b")

"""The order of replies, a stop and a replay change nothing: no record, no request, and no item without coverage."""

from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.decode import ListPage, decode
from collector.buddy.requests import Kind, Request
from collector.crawl.fetch_result import Answered
from collector.crawl.frontier import Frontier
from collector.crawl.pagination import is_probe
from collector.crawl.records import CrawlRecord, Key, Problem, key_of
from collector.crawl.request_queue import LOOK_AHEAD
from tests.crawl.model_buddy import EVERYTHING, Crawl, ModelBuddy, as_a_set, crawl, feed, seen, tree

MODERATE = settings(max_examples=80, deadline=None)


def unprobed(request: Request) -> Request | Kind:
    """A request, or of a probe its kind: whichever list comes first finds out for the others."""
    return request.kind if is_probe(request) else request


WORLDS = (
    st.builds(tree, st.integers(0, 3), st.integers(1, 3), st.integers(0, 3), st.integers(0, 4))
    | st.builds(tree, st.just(1), st.sampled_from([20, 21, 51]), st.integers(0, 1), st.integers(0, 1))
    | st.builds(tree, st.sampled_from([1, 20]), st.just(1), st.just(1), st.sampled_from([1, 20, 21, 50]))
)
FAILING = [
    "/workspaces/w0/projects",
    "/workspaces/w1/projects/p0001/pipelines",
    "/workspaces/w0/projects/p0000/pipelines",
]


def model(world: Any, failing: set[str], pages_every_list: bool = False) -> ModelBuddy:
    """A model in which some paths fail, and one list is broken."""
    buddy = ModelBuddy(world, pages_every_list=pages_every_list)
    buddy.failures = dict.fromkeys(failing, ("timeout", None))
    buddy.edit = lambda r, document: (
        document["pipelines"].insert(0, None) if r.kind is Kind.PIPELINES and r.project == "p0002" else None
    )
    return buddy


@MODERATE
@given(WORLDS, st.sets(st.sampled_from(FAILING)), st.booleans(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_order_of_replies_changes_nothing(
    world: Any, failing: set[str], paged_too: bool, workers: int, order: Any
) -> None:
    """However replies overtake one another, the records and the requests are those of asking one by one."""
    alone = crawl(model(world, failing, paged_too))
    together = Crawl(Frontier("us", EVERYTHING), model(world, failing, paged_too), workers=workers).run(order.randrange)
    assert as_a_set(together.records) == as_a_set(alone.records)
    assert Counter(map(unprobed, together.buddy.asked)) == Counter(map(unprobed, alone.buddy.asked))
    assert together.frontier.found == alone.frontier.found
    assert together.frontier.done == alone.frontier.done
    assert together.frontier.finished


@MODERATE
@given(WORLDS, st.booleans(), st.integers(1, 9), st.integers(0, 60), st.sampled_from(["deadline", "unauthorised"]))
def test_stopping_accounts_for_everything(world: Any, paged_too: bool, workers: int, steps: int, kind: str) -> None:
    """Wherever a crawl is stopped, each listed item has one coverage, and each open parent one problem."""
    halted = Crawl(Frontier("us", EVERYTHING), ModelBuddy(world, pages_every_list=paged_too), workers=workers)
    for _ in range(steps):
        halted.step()
    before = seen(halted.records)
    listed = _listed(halted)
    stopped = halted.frontier.stop(kind, "Time is up")
    after = seen(halted.records + stopped)
    assert set(after) == listed
    expected = "skipped" if kind == "deadline" else "forbidden"
    # Actions of other types are told with the end of their list.
    assert {c for k, c in after.items() if k not in before} <= {expected, "not_promote_image"}
    whole = crawl(ModelBuddy(world, pages_every_list=paged_too))
    assert {k: c for k, c in after.items() if c != expected} == {
        k: c for k, c in seen(whole.records).items() if k in before or after.get(k) == "not_promote_image"
    }
    told = [f.key for f in stopped if isinstance(f, Problem)]
    assert len(told) == len(set(told))
    assert {k for k, c in after.items() if k not in before and k.action_id is None} <= set(told)
    parents = {msgspec.structs.replace(k, action_id=None) for k in after if k not in before and k.action_id}
    assert parents <= set(told)
    assert halted.frontier.finished
    assert halted.frontier.next() is None
    listed_whole = halted.frontier.workspaces_listed
    assert (Key("us") in told) == (halted.frontier.root_failure is not None) == (not listed_whole)
    assert halted.frontier.stop(kind, "Again") == []


def _listed(halted: Crawl) -> set[Key]:
    """Every key that some answered list held."""
    keys = set()
    for entry in halted.journal:
        content = decode(entry.request, msgspec.json.decode(entry.body)) if isinstance(entry, Answered) else None
        if isinstance(content, ListPage):
            parent = msgspec.structs.asdict(key_of(entry.request))
            below = next(name for name, value in parent.items() if value is None)
            keys |= {Key(**{**parent, below: item.key}) for item in content.items}
    return keys


@MODERATE
@given(
    WORLDS, st.sets(st.sampled_from(FAILING)), st.booleans(), st.integers(1, 9), st.integers(0, 80), st.integers(1, 9)
)
def test_a_replayed_beginning_leads_to_the_same_end(
    world: Any, failing: set[str], paged_too: bool, workers: int, cut: int, again: int
) -> None:
    """Any beginning of a journal, claimed in its order and then continued,
    gives the same records and asks nothing twice.
    """
    first = Crawl(Frontier("us", EVERYTHING), model(world, failing, paged_too), workers=workers).run(
        lambda count: (count - 1) // 2
    )
    frontier = Frontier("us", EVERYTHING)
    records: list[CrawlRecord] = []
    for entry in first.journal[:cut]:
        assert frontier.queue.claim(entry.request)
        records += feed(frontier, entry)
    rest = Crawl(frontier, model(world, failing, paged_too), workers=again).run()
    assert as_a_set(records + rest.records) == as_a_set(first.records)
    asked = [entry.request for entry in first.journal[:cut]] + rest.buddy.asked
    assert len(asked) == len(set(asked))
    assert Counter(map(unprobed, asked)) == Counter(map(unprobed, first.buddy.asked))


def test_a_reply_to_nothing_is_not_claimed() -> None:
    """A request the frontier hasn't made, has handed out, or has settled can't be claimed."""
    frontier = Frontier("us", EVERYTHING)
    root = Request("us", Kind.WORKSPACES)
    assert not frontier.queue.claim(Request("us", Kind.PROJECTS, "w0", page=1, per_page=50))
    assert frontier.queue.claim(root)
    assert not frontier.queue.claim(root)
    feed(frontier, ModelBuddy(tree(1)).answer(root))
    assert not frontier.queue.claim(root)


def test_a_request_put_back_is_handed_out_again() -> None:
    """A request that was handed out and never answered is in flight no longer, and is handed out again."""
    frontier = Frontier("us", EVERYTHING)
    root = frontier.next()
    assert isinstance(root, Request)
    assert frontier.next() is None
    frontier.queue.put_back(root)
    assert (frontier.queue.waiting, frontier.next()) == (1, root)


def test_a_wide_world_keeps_a_small_stack() -> None:
    """Two thousand projects of many pipelines each never pile up: the stack holds the look-ahead and one branch."""
    world = tree(1, 2000, 3, 3)
    world["w0"]["p1000"] = tree(1, 1, 300, 2)["w0"]["p0000"]
    done = Crawl(Frontier("us", EVERYTHING), ModelBuddy(world), workers=16).run()
    # One page of projects on top of the look-ahead, and below it one of pipelines and one list of actions per worker.
    assert done.most_waiting <= LOOK_AHEAD + 2 * 50 + 16 * 3
    assert Counter(r.kind for r in done.buddy.asked)[Kind.PIPELINES] > 2000


def test_pages_go_first_while_little_else_waits() -> None:
    """A long list is a chain of requests, so it is pulled along while its first children are crawled."""
    done = crawl(ModelBuddy(tree(1, 500, 1, 1)))
    kinds = [r.kind for r in done.buddy.asked]
    last_page = max(i for i, kind in enumerate(kinds) if kind is Kind.PROJECTS)
    assert last_page < len(kinds) * 0.9
    assert kinds[1:3] == [Kind.PROJECTS, Kind.PROJECTS]

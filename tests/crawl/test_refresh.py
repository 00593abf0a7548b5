"""The laws of order and refresh over many runs, against a Buddy that is a plain value."""

import itertools
import math
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.requests import Kind, Request
from collector.crawl.execution_history import digest
from collector.crawl.pipeline_readings import ReadingProgress
from collector.crawl.records import Key, ListedItem, pipeline_key
from collector.crawl.refresh_plan import UNENDED, KnownPipeline, RefreshPlan
from collector.run.limit_reached import limit_reached
from tests.crawl.model_buddy import ModelBuddy, Tree, action
from tests.crawl.model_runs import FIRST, NIGHT, ModelRun, ModelRuns

MODERATE = settings(max_examples=50, deadline=None)
# By project, by pipeline: the number of its promotions.
ESTATES = st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=1, max_size=5)


def world(estate: list[list[int]]) -> Tree:
    """The tree of an estate; all ids differ."""
    ids = itertools.count(1)
    projects: dict[str, Any] = {}
    for number, pipelines in enumerate(estate):
        projects[f"p{number}"] = {next(ids): [action(next(ids)) for _ in range(count)] for count in pipelines}
    return {"w0": projects}


@MODERATE
@given(ESTATES, st.integers(0, 60), st.integers(1, 5))
def test_every_pipeline_is_read_in_as_many_runs_as_the_estate_is_budgets_long(
    estate: list[list[int]], more: int, workers: int
) -> None:
    """For any estate and any budget that suffices for the lists and the dearest pipeline, every pipeline is read within
    ceil(cost / budget) + 1 runs, and again within as many; no run asks for anything twice, nor for more than it may.

    A budget is what is left of the limit when the lists are read and what is left at the end is too little for a
    pipeline.
    """
    costs = [1 + promotions for pipelines in estate for promotions in pipelines]
    lists, dearest = 2 + len(estate), max(costs, default=1)
    runs = ModelRuns(ModelBuddy(world(estate)), max_requests=lists + dearest + more)
    budget = 1 + more
    for _ in range(2):
        unread = {Key("us", "w0", p, each) for p, pipelines in runs.buddy.tree["w0"].items() for each in pipelines}
        for _ in range(math.ceil(sum(costs) / budget) + 1):
            run = runs.run(workers=workers)
            unread -= run.read
            assert len(run.asked) <= lists + dearest + more
            assert len(run.asked) == len(set(run.asked))
        assert not unread


class ChangingBuddy(ModelBuddy):
    """A Buddy whose pipelines have entries that change (visibly), and whose actions change (invisibly)."""

    def __init__(self, estate: list[list[int]]) -> None:
        super().__init__(world(estate))
        self.entries: Counter[int] = Counter()
        self.edit = self._edit

    def _edit(self, request: Request, document: dict[str, Any]) -> None:
        for each in document.get("pipelines", ()):
            each["last_execution_revision"] = str(self.entries[each["id"]])

    def pipelines(self) -> list[tuple[str, int]]:
        """The pipelines that exist."""
        return [(name, number) for name, pipelines in self.tree["w0"].items() for number in pipelines]

    def change(self, what: str, which: int) -> None:
        """Change something about one pipeline."""
        existing = self.pipelines()
        if what == "new" or not existing:
            self.tree["w0"]["p0"][1000 + len(existing) + which] = [action(5000 + len(existing) + which)]
            return
        project, number = existing[which % len(existing)]
        actions = self.tree["w0"][project][number]
        if what == "visible":
            self.entries[number] += 1
        elif what == "gone":
            del self.tree["w0"][project][number]
        elif actions:
            actions[0]["name"] += "+"


CHANGES = st.tuples(st.sampled_from(["visible", "invisible", "both", "new", "gone"]), st.integers(0, 40))
HISTORIES = st.lists(
    st.tuples(
        st.lists(CHANGES, max_size=4),  # before the run
        st.sampled_from([1, 1, 1, 2, 5]),  # nights since the run before
        st.lists(st.integers(0, 40), max_size=2),  # replies after which the process dies
    ),
    min_size=2,
    max_size=9,
)


@MODERATE
@given(ESTATES, st.integers(1, 6), st.one_of(st.none(), st.integers(8, 90)), HISTORIES, st.integers(1, 4))
def test_the_law_of_refresh(
    estate: list[list[int]], nights: int, max_requests: int | None, history: list[Any], workers: int
) -> None:
    """Whatever changes, for any refresh, budget and deaths: nothing in a complete run is older than the refresh,
    what the lists show to have changed was asked in it, and what was carried is what was last read.
    """
    buddy = ChangingBuddy(estate)
    runs = ModelRuns(buddy, refresh=nights * NIGHT, max_requests=max_requests)
    seen_entries: dict[Key, int] = {}
    for changes, gap, kills in history:
        for what, which in changes:
            for one in ("visible", "invisible") if what == "both" else (what,):
                buddy.change(one, which)
        before = dict(runs.runs[-1].promotions) if runs.runs else {}
        last = runs.runs[-1].started_at if runs.runs else None
        run = runs.run(None if last is None else last + gap * NIGHT, kills=tuple(kills), workers=workers)
        _check(run, before, nights * NIGHT)
        for project, number in buddy.pipelines():
            key = Key("us", "w0", project, number)
            if run.complete and seen_entries.get(key) != buddy.entries[number]:
                assert key in run.read
            if key in run.read:
                seen_entries[key] = buddy.entries[number]
        if run.complete:
            truth = {
                Key("us", "w0", project, number, each["id"])
                for project, number in buddy.pipelines()
                for each in buddy.tree["w0"][project][number]
            }
            assert set(run.promotions) == truth
        assert max_requests is None or len(run.asked) <= max_requests


def _check(run: ModelRun, before: dict[Key, Any], refresh: timedelta) -> None:
    asked = {pipeline_key(_place(each)) for each in run.asked if each.pipeline_id is not None}
    if run.complete:
        assert all(run.started_at - read_at <= refresh for _, read_at in run.promotions.values())
    for key, coverage in run.coverage.items():
        if coverage == "carried":
            assert key not in asked
            rows = {each: row for each, row in run.promotions.items() if pipeline_key(each) == key}
            assert all(run.started_at - read_at <= refresh for _, read_at in rows.values())
    carried = {each: row for each, row in run.promotions.items() if run.coverage[pipeline_key(each)] == "carried"}
    assert all(before.get(each, row) == row for each, row in carried.items())
    assert len(run.asked) == len(set(run.asked))
    listed = [each.key for each in run.records if isinstance(each, ListedItem)]
    assert len(listed) == len(set(listed))


def _place(request: Request) -> Key:
    return Key(request.installation, request.workspace, request.project, request.pipeline_id)


def test_turns_are_spread() -> None:
    """Over ten runs after the first, the most expensive asks at most 1.5 times the mean; none asks for everything."""
    runs = ModelRuns(ModelBuddy(world([[3] * 18] * 20)), refresh=7 * NIGHT)
    whole = len(runs.run().asked)
    costs = [len(runs.run().asked) for _ in range(10)]
    assert max(costs) <= 1.5 * sum(costs) / len(costs)
    assert max(costs) < whole / 3
    assert len(set.union(*(run.read for run in runs.runs[1:8]))) == 360


def test_with_a_refresh_the_lists_come_first() -> None:
    """A limited run with a refresh reads all lists, then what was asked longest ago, and carries the rest."""
    buddy = ChangingBuddy([[2] * 10] * 4)
    runs = ModelRuns(buddy, refresh=30 * NIGHT)
    runs.run()
    runs.max_requests = 30
    for name, number in buddy.pipelines():
        buddy.entries[number] += name != "p0"
    run = runs.run()
    kinds = [each.kind for each in run.asked]
    assert set(kinds[:6]) == {Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES}
    assert Counter(run.coverage.values()) == {"carried": 32, "complete": 8}
    assert not run.complete  # the carried ones have changed as well
    for _ in range(3):
        run = runs.run()
    assert run.complete


def test_a_limit_says_what_was_reached() -> None:
    """The line names the limit, what was read, carried and missed, and the number of runs for everything."""
    said = limit_reached("The limit", ReadingProgress(known=1200, read=200, requests=800, estate=4800), 900)
    assert said == (
        "The limit was reached: 200 of 1,200 known pipelines were read in this run, 900 are carried, 100 are missing "
        "from it. At this limit, all of them are read once in 6 runs"
    )
    assert "raise the limit" in limit_reached("The limit", ReadingProgress(12, 0, 0, 0), 0)


def test_an_execution_that_has_not_ended_is_news() -> None:
    """A pipeline with an execution that had not ended is due whatever its entry says, and is news when not reached."""
    key, entry = Key("us", "w0", "p0", 1), {"id": 1}
    known = {key: KnownPipeline(digest(entry), FIRST, FIRST)}
    plan = RefreshPlan(FIRST, 7 * NIGHT, known)
    assert (plan.is_due(key, entry), plan.news(key, entry)) == (False, None)
    plan = RefreshPlan(FIRST, 7 * NIGHT, known, frozenset({key}))
    assert (plan.is_due(key, entry), plan.news(key, entry)) == (True, UNENDED)
    assert plan.is_due(key, {"id": 1, "name": "other"})


def test_a_reading_that_lies_in_the_future_is_not_believed() -> None:
    """What a wrong clock dated after this run is read again."""
    key, entry = Key("us", "w0", "p0", 1), {"id": 1}
    assert RefreshPlan(FIRST, NIGHT, {key: KnownPipeline(digest(entry), FIRST + NIGHT, FIRST)}).is_due(key, entry)

"""Faulty lists: wrong or clamped pages, items that move while they are read, items that break the contract."""

from collections.abc import Callable
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.faults.company import LONG_PIPELINE, PER_PAGE, PIPELINE, PROJECT, company
from tests.faults.conftest import FreshLake, RunWithFaults, Undisturbed, check_invariants
from tests.faults.invariants import violations
from tests.faults.ledger import Ledger
from tests.faults.published import Published, key_of, published
from tests.faults.runs import RecordingObserver, SimulatedCrash, crash_after_crawl, run_collect
from tests.sampling import some

PROJECTS: dict[str, Any] = {"kind": "projects", "path": "/workspaces/acme/projects"}
PIPELINES: dict[str, Any] = {"kind": "pipelines", "path": "/workspaces/acme/projects/checkout-api/pipelines"}
ACTIONS: dict[str, Any] = {"kind": "actions", "path": "*/pipelines/102/actions"}
LISTS = {
    "projects": (PROJECTS, ("us", "acme", None, None, None)),
    "pipelines": (PIPELINES, ("us", *PROJECT, None, None)),
    # The server of these tests pages every list; this one is not documented as paged.
    "actions": (ACTIONS, ("us", *LONG_PIPELINE, None)),
}


# Faults of a list of 21 items, 20 per page: the script, and whether all rows can still be read.
PAGE_FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "page repeated, once": ({"do": "repeat_page", "page": 2}, True),
    "page ignored, once": ({"do": "ignore_page", "page": 2}, True),
    "page ignored, three times": ({"do": "ignore_page", "page": 2, "times": 3}, False),
    "page repeated, always": ({"do": "repeat_page", "times": None}, False),
    "page ignored, always": ({"do": "ignore_page", "times": None}, False),
}


def problems(seen: Published) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the kind and the key of each problem."""
    return [(row["kind"], key_of(row)) for row in seen["problems"]]


def coverages(seen: Published, key: tuple[Any, ...]) -> list[str]:
    """Return the coverage of the item with a key, in a list; empty if there is no such item."""
    tables = ("workspaces", "projects", "pipelines", "actions")
    return [row["coverage"] for table in tables for row in seen[table] if key_of(row) == key]


@pytest.mark.parametrize(("which", "page_fault"), some([(w, f) for w in LISTS for f in PAGE_FAULTS], 0, 4, 7, 11))
def test_a_wrong_page_hides_nothing(
    which: str, page_fault: str, fake: FakeBuddy, undisturbed: Undisturbed, run_with_faults: RunWithFaults
) -> None:
    """An ignored or repeated page costs no row, or the list is `failed` and a problem says so."""
    where, key = LISTS[which]
    script, all_rows = PAGE_FAULTS[page_fault]
    fake.script.add(Fault(**{"page": None, **where, **script}))
    result, seen = run_with_faults(f"list: {page_fault}")
    assert problems(seen) == ([] if all_rows else [("unsettled_listing", key)])
    assert result.exit_code == (0 if all_rows else 1)
    assert "removed" not in {row["change"] for row in seen["action_changes"]}
    assert len(fake.arrivals) <= 2 * undisturbed.requests


@pytest.mark.parametrize(
    ("max_per_page", "clamp"),
    [
        pytest.param(50, {"n": 20, "times": None}, id="always to 20"),
        pytest.param(50, {"n": 20, "page": 1}, id="the first page, once"),
        pytest.param(50, {"n": 20, "page": 1, "times": 2}, id="twice", marks=pytest.mark.faults),
        pytest.param(20, {"n": 20, "times": None}, id="to the usual size", marks=pytest.mark.faults),
    ],
)
@pytest.mark.parametrize("which", some(LISTS, 0))
def test_clamped_pages_hide_nothing(
    which: str,
    max_per_page: int,
    clamp: dict[str, Any],
    undisturbed: Undisturbed,
    fresh_lake: FreshLake,
    ledger: Ledger,
) -> None:
    """Pages smaller than requested, always or sometimes, cost no row."""
    where, _ = LISTS[which]
    lake = fresh_lake()
    script = [Fault("clamp", **where, **clamp)]
    with FakeBuddy(company(), max_per_page=max_per_page, pages_every_list=True, script=script) as fake:
        result = run_collect(fake, lake, 2)
        seen = published(lake)
        check_invariants("list: page clamped", undisturbed.truth, seen, result, ledger, fake)
    assert seen["problems"] == []
    assert result.exit_code == 0


def _removes(*path: str | int) -> Callable[[FakeWorld], FakeWorld]:
    return lambda world: world.remove(*path)


FIRST_ITEM: dict[str, tuple[str | int, ...]] = {
    "projects": PROJECT,
    "pipelines": PIPELINE,
    "actions": (*LONG_PIPELINE, 1006),
}


@pytest.mark.parametrize("which", some(LISTS, 0))
def test_a_deletion_between_two_pages_hides_no_item(
    which: str, fake: FakeBuddy, run_with_faults: RunWithFaults
) -> None:
    """If an item of page 1 is deleted and the only item of page 2 moves to page 1, that item is still found."""
    where, _ = LISTS[which]
    fake.script.add(Fault("mutate", page=1, when="after", mutate=_removes(*FIRST_ITEM[which]), **where))
    result, seen = run_with_faults("list: item deleted between pages")
    assert {kind for kind, _ in problems(seen)} <= {"gone"}
    assert len(set(problems(seen))) <= 1
    assert result.exit_code == 0


@pytest.mark.parametrize("which", some(LISTS, 1))
def test_a_list_that_changes_in_every_reading_is_failed(
    which: str, fake: FakeBuddy, run_with_faults: RunWithFaults
) -> None:
    """After three different readings the list is `failed`, and nothing is removed."""
    where, key = LISTS[which]
    victims: list[tuple[str | int, ...]] = [("acme", "zz-project-05"), ("acme", "zz-project-06")]
    if which == "pipelines":
        victims = [(*PROJECT, 1005), (*PROJECT, 1006)]
    elif which == "actions":
        victims = [(*LONG_PIPELINE, 2005), (*LONG_PIPELINE, 2006)]
    # The first request for page 2 of the actions only finds out that they are paged.
    first = 2 if which == "actions" else 1
    for number, victim in enumerate(victims):
        fake.script.add(Fault("mutate", page=2, nth=first + number, when="after", mutate=_removes(*victim), **where))
    result, seen = run_with_faults("list: changes in every reading")
    assert ("unsettled_listing", key) in problems(seen)
    assert result.exit_code == 1
    assert "removed" not in {row["change"] for row in seen["action_changes"]}


GLOBEX = "/workspaces/globex-eu/projects"
OTHER = ("us", "globex-eu", "checkout-api")
SECOND_PAGE = {"zz-project-18", 1018, 2018}
# One wrong field of one item, in a list or in a single action; the key of the problem, and the coverage with that key.
WRONG: list[tuple[str, str, str, Any, tuple[Any, ...], str]] = [
    ("workspaces", "/workspaces", "workspaces[1].name", 7, ("us", "globex-eu", None, None, None), "failed"),
    ("workspaces", "/workspaces", "workspaces[1].domain", {}, ("us", None, None, None, None), ""),
    ("projects", GLOBEX, "projects[0].status", [], (*OTHER, None, None), "failed"),
    ("projects", GLOBEX, "projects[0].name", None, ("us", "globex-eu", None, None, None), "failed"),
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].tags", "x", (*OTHER, 107, None), "failed"),
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].id", "x", (*OTHER, None, None), "failed"),
    ("projects", "*/acme/projects", "projects[0].url", 7, ("us", "acme", "zz-project-18", None, None), "failed"),
    ("pipelines", "*/acme/*/checkout-api/pipelines", "pipelines[0].loop", 1, ("us", *PROJECT, 1018, None), "failed"),
    ("actions", "*/pipelines/102/actions", "actions[0].name", 7, ("us", *LONG_PIPELINE, 2018), "quarantined"),
    ("actions", "*/pipelines/101/actions", "actions[1].name", [], ("us", *PROJECT, 101, 1002), "quarantined"),
    ("actions", "*/pipelines/101/actions", "actions[1].type", None, ("us", *PROJECT, 101, 1002), "quarantined"),
    ("actions", "*/pipelines/101/actions", "actions[1].id", True, ("us", *PROJECT, 101, None), "failed"),
    ("action", "*/actions/1002", "src", 7, ("us", *PROJECT, 101, 1002), "quarantined"),
    ("action", "*/actions/1002", "timeout", "soon", ("us", *PROJECT, 101, 1002), "quarantined"),
    ("action", "*/actions/1002", "id", 4, ("us", *PROJECT, 101, 1002), "quarantined"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "json_path", "value", "key", "coverage"),
    some(WRONG, 1, 8, 12),
    ids=[f"{w[0]}: {w[2]}" for w in WRONG],
)
def test_a_wrong_type_in_one_field_costs_one_item(
    kind: str, path: str, json_path: str, value: Any, key: tuple[Any, ...], coverage: str,
    fake: FakeBuddy, run_with_faults: RunWithFaults,
) -> None:  # fmt: skip
    """An item that breaks the contract is a problem with its JSON path; other items are not affected."""
    page = 2 if SECOND_PAGE & set(key) else None
    fault = Fault("wrong_type", kind=kind, path=path, page=page, json_path=json_path, value=value, times=None)
    fake.script.add(fault)
    result, seen = run_with_faults("wrong type in one field")
    assert set(problems(seen)) == {("not_understood", key)}
    assert {row["json_path"] for row in seen["problems"]} == {f"$.{json_path}"}
    assert result.exit_code == 1
    assert coverages(seen, key) == ([coverage] if coverage else [])
    assert not {"removed", "changed"} & {row["change"] for row in seen["action_changes"]}


@pytest.mark.parametrize("value", some([{}, {"message": "OK"}, {"name": "whose?", "src": {}}], 0))
def test_an_object_without_id_and_type_is_not_an_action(
    value: Any, fake: FakeBuddy, run_with_faults: RunWithFaults
) -> None:
    """An object with neither id nor type instead of an action is quarantined, and the action has no change."""
    fake.script.add(Fault("wrong_shape", kind="action", path="*/actions/1002", value=value, times=None))
    result, seen = run_with_faults("an object that is not an action")
    key = ("us", *PROJECT, 101, 1002)
    assert problems(seen) == [("not_understood", key)]
    assert [row["json_path"] for row in seen["problems"]] == ["$"]
    assert coverages(seen, key) == ["quarantined"]
    assert seen["action_changes"] == []
    assert result.exit_code == 1


def test_an_unknown_field_is_kept(fake: FakeBuddy, fresh_lake: FreshLake) -> None:
    """An undocumented field is kept in `extra`."""
    lists = ("workspaces", "projects", "pipelines", "actions")
    for kind, path in [*((kind, f"{kind}[0].x") for kind in lists), ("action", "src.x")]:
        fake.script.add(Fault("extra_field", kind=kind, json_path=path, value={"new": [1, "two"]}, times=None))
    # An empty list would have no first item.
    fake.world = company(later=0)
    lake = fresh_lake()
    assert run_collect(fake, lake, 2).exit_code == 0
    seen = published(lake)
    for table in (*lists, "promote_image_actions"):
        assert any('{"new":[1,"two"]}' in (row["extra"] or "") for row in seen[table]), table


@pytest.mark.parametrize("skew", some([3600.0, -3600.0], 0))
def test_a_reset_is_read_by_the_servers_clock(
    skew: float, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Resets are compared with the reply's Date: with an hour between the clocks, nothing is refused or delayed."""
    lake = fresh_lake()
    with FakeBuddy(company(), max_per_page=PER_PAGE, clock_skew=skew, limit=60, window=1.0) as fake:
        result = run_collect(fake, lake, 2)
        assert fake.counts()["refused"] == 0
        check_invariants("server clock an hour off", undisturbed.truth, published(lake), result, ledger, fake)
    assert result.exit_code == 0
    assert published(lake).without() == undisturbed.truth.without()


# A text with half of an emoji: the request, the path of the text, the key of the problem, and the coverage.
HALVES = [
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].name", (*OTHER, 107, None), "failed"),
    ("actions", "*/pipelines/101/actions", "actions[1].name", ("us", *PROJECT, 101, 1002), "quarantined"),
    ("action", "*/actions/1002", "src.image", ("us", *PROJECT, 101, 1002), "quarantined"),
]


@pytest.mark.parametrize(("kind", "path", "json_path", "key", "coverage"), some(HALVES, 1))
def test_half_a_character_costs_one_item(
    kind: str, path: str, json_path: str, key: tuple[Any, ...], coverage: str,
    fake: FakeBuddy, fresh_lake: FreshLake, run_with_faults: RunWithFaults,
) -> None:  # fmt: skip
    """Half of a character quarantines its own item only, whether the reply is new or replayed from the journal."""
    fake.script.add(Fault("half_character", kind=kind, path=path, json_path=json_path, times=None))
    result, seen = run_with_faults("half a character in one text")
    assert set(problems(seen)) == {("not_understood", key)}
    assert {row["json_path"] for row in seen["problems"]} == {f"$.{json_path}"}
    assert result.exit_code == 1
    assert coverages(seen, key) == [coverage]
    assert seen["action_changes"] == []

    # Interrupted at the end of the crawl and resumed from the journal: the same rows.
    resumed = fresh_lake()
    with pytest.raises(SimulatedCrash):
        run_collect(fake, resumed, 2, watcher=RecordingObserver(crash_after_crawl))
    requests = len(fake.arrivals)
    assert run_collect(fake, resumed, 2).exit_code == 1
    assert len(fake.arrivals) == requests
    assert published(resumed).without() == seen.without()


@pytest.mark.parametrize(("which", "code"), some([(w, c) for w in LISTS for c in (404, 403, 410)], 0, 4, 8))
def test_an_error_of_a_later_page_makes_the_list_failed(
    which: str, code: int, fake: FakeBuddy, run_with_faults: RunWithFaults
) -> None:
    """After an error of page 2 the list is `failed` and the run partial; nothing is gone or removed."""
    where, key = LISTS[which]
    fake.script.add(Fault("status", page=2, code=code, message="nope", **where))
    result, seen = run_with_faults("list: one page refused")
    assert problems(seen) == [("forbidden" if code == 403 else "http_error", key)]
    assert [row["http_status"] for row in seen["problems"]] == [code]
    assert coverages(seen, key) == ["failed"]
    assert seen["action_changes"] == []
    assert (result.exit_code, seen.status) == (1, "partial")


@pytest.mark.parametrize("which", some(LISTS, 0, 2))
def test_the_first_404_of_a_list_is_retried(
    which: str, fake: FakeBuddy, undisturbed: Undisturbed, run_with_faults: RunWithFaults
) -> None:
    """The first 404 of a list whose parent was just listed is requested again, and the second reply counts."""
    where, _ = LISTS[which]
    fake.script.add(Fault("status", page=1, code=404, **where))
    result, seen = run_with_faults("list: 404, once")
    assert seen.without() == undisturbed.truth.without()
    assert result.exit_code == 0
    assert len(fake.arrivals) == undisturbed.requests + 1


def test_a_promotion_with_the_id_of_another_action_is_collected(
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Of two actions with one id, the promotion has its row, the other is a problem, and the run is partial."""
    fault: dict[str, Any] = {
        "kind": "actions",
        "path": "*/pipelines/101/actions",
        "json_path": "actions[0].id",
        "value": 1002,
    }
    fake.script.add(Fault("wrong_type", times=None, **fault))
    lake = fresh_lake()
    result = run_collect(fake, lake, 2)
    seen = published(lake)
    lost = violations(undisturbed.truth, seen).lost
    ledger.note("list: one id, two items", result.exit_code, injected=1, lost=len(lost), false=0)
    assert lost == []
    pipeline = ("us", *PIPELINE, None)
    assert problems(seen) == [("not_understood", pipeline)]
    (problem,) = seen["problems"]
    assert problem["json_path"] == "$.actions[1]"
    assert "SSH_COMMAND" in problem["raw"]
    assert coverages(seen, pipeline) == ["failed"]
    assert seen["promote_image_actions"] == [
        {**row, "run_id": seen.run_id} for row in undisturbed.truth["promote_image_actions"]
    ]
    assert seen["action_changes"] == []
    assert result.exit_code == 1

"""Servers that make a mess of lists: pages ignored, repeated, clamped, and items that move while they are read."""

from collections.abc import Callable
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, Fault
from collector.fake_buddy import FakeWorld as Company
from tests.faults.company import LONG_PIPELINE, PER_PAGE, PIPELINE, PROJECT, company
from tests.faults.conftest import FreshLake, Undisturbed
from tests.faults.law import judged
from tests.faults.ledger import Ledger
from tests.faults.nights import PowerCut, Result, Watcher, cut_power, night
from tests.faults.published import Published, key_of, published
from tests.faults.sampling import some

PROJECTS: dict[str, Any] = {"kind": "projects", "path": "/workspaces/acme/projects"}
PIPELINES: dict[str, Any] = {"kind": "pipelines", "path": "/workspaces/acme/projects/checkout-api/pipelines"}
ACTIONS: dict[str, Any] = {"kind": "actions", "path": "*/pipelines/102/actions"}
LISTS = {
    "projects": (PROJECTS, ("us", "acme", None, None, None)),
    "pipelines": (PIPELINES, ("us", *PROJECT, None, None)),
    # On a server that pages every list, which no document says of this one.
    "actions": (ACTIONS, ("us", *LONG_PIPELINE, None)),
}


# What befalls a list of 21 items, 20 to a page: how it is told, and whether the rows can still all be had.
MESSES: dict[str, tuple[dict[str, Any], bool]] = {
    "page repeated, once": ({"do": "repeat_page", "page": 2}, True),
    "page ignored, once": ({"do": "ignore_page", "page": 2}, True),
    "page ignored, three times": ({"do": "ignore_page", "page": 2, "times": 3}, False),
    "page repeated, for ever": ({"do": "repeat_page", "times": None}, False),
    "page ignored, for ever": ({"do": "ignore_page", "times": None}, False),
}


@pytest.mark.parametrize(("which", "mess"), some([(w, m) for w in LISTS for m in MESSES], 0, 4, 7, 11))
def test_a_page_that_is_not_the_one_asked_for_hides_nothing(
    which: str, mess: str, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """A server that ignores or repeats pages costs no row, or the list is called failed and a problem says so."""
    where, key = LISTS[which]
    script, whole = MESSES[mess]
    fake.script.add(Fault(**{"page": None, **where, **script}))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge(f"list: {mess}", undisturbed.truth, seen, result, ledger, fake)
    assert [(row["kind"], key_of(row)) for row in seen["problems"]] == ([] if whole else [("unsettled_listing", key)])
    assert result.exit_code == (0 if whole else 1)
    assert [row for row in seen["action_changes"] if row["change"] == "removed"] == []
    assert len(fake.arrivals) <= 2 * undisturbed.requests


@pytest.mark.parametrize(
    ("most", "clamp"),
    [
        pytest.param(50, {"n": 20, "times": None}, id="always to 20"),
        pytest.param(50, {"n": 20, "page": 1}, id="the first page, once"),
        pytest.param(50, {"n": 20, "page": 1, "times": 2}, id="twice", marks=pytest.mark.faults),
        pytest.param(20, {"n": 20, "times": None}, id="to what it does anyway", marks=pytest.mark.faults),
    ],
)
@pytest.mark.parametrize("which", some(LISTS, 0))
def test_clamped_pages_hide_nothing(
    which: str, most: int, clamp: dict[str, Any], undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """A server that gives fewer items a page than asked for, always or now and then, costs no row."""
    where, _ = LISTS[which]
    lake = fresh_lake()
    script = [Fault("clamp", **where, **clamp)]
    with FakeBuddy(company(), max_per_page=most, pages_every_list=True, script=script) as fake:
        result = night(fake, lake, 2)
        seen = published(lake)
        _judge("list: page clamped", undisturbed.truth, seen, result, ledger, fake)
    assert seen["problems"] == []
    assert result.exit_code == 0


def _removes(*path: str | int) -> Callable[[Company], Company]:
    return lambda world: world.remove(*path)


FIRST_ITEM: dict[str, tuple[str | int, ...]] = {
    "projects": PROJECT,
    "pipelines": PIPELINE,
    "actions": (*LONG_PIPELINE, 1006),
}


@pytest.mark.parametrize("which", some(LISTS, 0))
def test_a_deletion_between_two_pages_hides_no_neighbour(
    which: str, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """When an item of page 1 goes and page 2's only item moves up to page 1 unseen, it is found all the same."""
    where, _ = LISTS[which]
    fake.script.add(Fault("mutate", page=1, when="after", mutate=_removes(*FIRST_ITEM[which]), **where))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("list: item deleted between pages", undisturbed.truth, seen, result, ledger, fake)
    gone = {key_of(row) for row in seen["problems"]}
    assert {row["kind"] for row in seen["problems"]} <= {"gone"}
    assert len(gone) <= 1
    assert result.exit_code == 0


@pytest.mark.parametrize("which", some(LISTS, 1))
def test_items_that_move_with_every_reading_are_never_called_complete(
    which: str, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Three readings that all differ: the list is called failed, and nothing is taken for removed."""
    where, key = LISTS[which]
    victims: list[tuple[str | int, ...]] = [("acme", "zz-project-05"), ("acme", "zz-project-06")]
    if which == "pipelines":
        victims = [(*PROJECT, 1005), (*PROJECT, 1006)]
    elif which == "actions":
        victims = [(*LONG_PIPELINE, 2005), (*LONG_PIPELINE, 2006)]
    # The first question for page 2 of the actions only finds out that there are pages.
    first = 2 if which == "actions" else 1
    for number, victim in enumerate(victims):
        fake.script.add(Fault("mutate", page=2, nth=first + number, when="after", mutate=_removes(*victim), **where))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("list: never settles", undisturbed.truth, seen, result, ledger, fake)
    assert ("unsettled_listing", key) in [(row["kind"], key_of(row)) for row in seen["problems"]]
    assert result.exit_code == 1
    assert [row for row in seen["action_changes"] if row["change"] == "removed"] == []


GLOBEX = "/workspaces/globex-eu/projects"
OTHER = ("us", "globex-eu", "checkout-api")
SECOND_PAGE = {"zz-project-18", 1018, 2018}
# One wrong field of one item: in the envelope's list, or in a single action; and whose key the problem carries.
WRONG: list[tuple[str, str, str, Any, tuple[Any, ...], str]] = [
    ("workspaces", "/workspaces", "workspaces[1].name", 7, ("us", "globex-eu", None, None, None), "failed"),
    ("workspaces", "/workspaces", "workspaces[1].domain", {}, ("us", None, None, None, None), ""),
    ("projects", GLOBEX, "projects[0].status", [], (*OTHER, None, None), "failed"),
    ("projects", GLOBEX, "projects[0].name", None, ("us", "globex-eu", None, None, None), "failed"),
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].tags", "x", (*OTHER, 107, None), "failed"),
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].id", "x", (*OTHER, None, None), "failed"),
    ("projects", "/workspaces/acme/projects", "projects[0].url", 7, ("us", "acme", "zz-project-18", None, None), "failed"),
    ("pipelines", "*/acme/projects/checkout-api/pipelines", "pipelines[0].loop", 1, ("us", *PROJECT, 1018, None), "failed"),
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
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger,
) -> None:  # fmt: skip
    """An item that breaks the contract becomes a problem with its JSON path; its neighbours do not notice."""
    page = 2 if SECOND_PAGE & set(key) else None
    fault = Fault("wrong_type", kind=kind, path=path, page=page, json_path=json_path, value=value, times=None)
    fake.script.add(fault)
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("wrong type in one field", undisturbed.truth, seen, result, ledger, fake)
    assert {(row["kind"], key_of(row)) for row in seen["problems"]} == {("not_understood", key)}
    assert {row["json_path"] for row in seen["problems"]} == {f"$.{json_path}"}
    assert result.exit_code == 1
    covered = [row["coverage"] for table in ("workspaces", "projects", "pipelines", "actions")
               for row in seen[table] if key_of(row) == key]  # fmt: skip
    assert covered == ([coverage] if coverage else [])
    assert [row for row in seen["action_changes"] if row["change"] in ("removed", "changed")] == []


@pytest.mark.parametrize("value", some([{}, {"message": "OK"}, {"name": "whose?", "src": {}}], 0))
def test_a_reply_about_nothing_is_no_action(
    value: Any, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """An object with neither id nor type in place of an action: quarantined, and nothing of the action is changed."""
    fake.script.add(Fault("wrong_shape", kind="action", path="*/actions/1002", value=value, times=None))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("an object that is no action", undisturbed.truth, seen, result, ledger, fake)
    key = ("us", *PROJECT, 101, 1002)
    assert [(row["kind"], key_of(row), row["json_path"]) for row in seen["problems"]] == [("not_understood", key, "$")]
    assert [row["coverage"] for row in seen["actions"] if key_of(row) == key] == ["quarantined"]
    assert seen["action_changes"] == []
    assert result.exit_code == 1


def test_an_unknown_field_is_kept_and_harms_nobody(
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake
) -> None:
    """A field that no document names goes to `extra`; every other cell of every row is as it was."""
    for kind, path in (("workspaces", "workspaces[0].x"), ("projects", "projects[0].x"), ("pipelines", "pipelines[0].x"),
                       ("actions", "actions[0].x"), ("action", "src.x")):  # fmt: skip
        fake.script.add(Fault("extra_field", kind=kind, json_path=path, value={"new": [1, "two"]}, times=None))
    # The empty lists have no first item to add it to.
    fake.world = company(later=0)
    lake = fresh_lake()
    result = night(fake, lake, 2)
    assert result.exit_code == 0
    seen = published(lake)
    for table in ("workspaces", "projects", "pipelines", "actions", "promote_image_actions"):
        assert any('{"new":[1,"two"]}' in (row["extra"] or "") for row in seen[table]), table


@pytest.mark.parametrize("skew", some([3600.0, -3600.0], 0))
def test_a_server_whose_clock_is_an_hour_off_is_paced_by_its_own_clock(
    skew: float, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Resets are read against the reply's Date: with an hour between the clocks nothing is refused, and nobody waits it."""
    lake = fresh_lake()
    with FakeBuddy(company(), max_per_page=PER_PAGE, clock_skew=skew, limit=60, window=1.0) as fake:
        result = night(fake, lake, 2)
        assert fake.counts()["refused"] == 0
        _judge("server clock an hour off", undisturbed.truth, published(lake), result, ledger, fake)
    assert result.exit_code == 0
    assert published(lake).without() == undisturbed.truth.without()


def _judge(fault: str, truth: Published, seen: Published, result: Result, ledger: Ledger, fake: FakeBuddy) -> None:
    judgement = judged(truth, seen)
    injected = sum(arrival.fault is not None for arrival in fake.arrivals) or 1
    ledger.note(fault, result.exit_code, injected=injected, lost=len(judgement.lost), false=len(judgement.false))
    assert judgement.broken == []


# The item whose name is cut in the middle of an emoji: the request, the path of the name, whose key the problem has.
HALVES = [
    ("pipelines", f"{GLOBEX}/checkout-api/pipelines", "pipelines[0].name", (*OTHER, 107, None), "failed"),
    ("actions", "*/pipelines/101/actions", "actions[1].name", ("us", *PROJECT, 101, 1002), "quarantined"),
    ("action", "*/actions/1002", "src.image", ("us", *PROJECT, 101, 1002), "quarantined"),
]


@pytest.mark.parametrize(("kind", "path", "json_path", "key", "coverage"), some(HALVES, 1))
def test_half_a_character_costs_one_item(
    kind: str, path: str, json_path: str, key: tuple[Any, ...], coverage: str,
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger,
) -> None:  # fmt: skip
    """A text that is no text quarantines its item alone, whether the reply is new or replayed from the journal."""
    fault = Fault("half_character", kind=kind, path=path, json_path=json_path, times=None)
    fake.script.add(fault)
    lake, other = fresh_lake(), fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("half a character in one text", undisturbed.truth, seen, result, ledger, fake)
    assert {(row["kind"], key_of(row)) for row in seen["problems"]} == {("not_understood", key)}
    assert {row["json_path"] for row in seen["problems"]} == {f"$.{json_path}"}
    assert result.exit_code == 1
    covered = [row["coverage"] for table in ("pipelines", "actions") for row in seen[table] if key_of(row) == key]
    assert covered == [coverage]
    assert seen["action_changes"] == []

    # Interrupted when all is asked, and gone on with from the journal: the same rows.
    with pytest.raises(PowerCut):
        night(fake, other, 2, watcher=Watcher(cut_power))
    asked = len(fake.arrivals)
    assert night(fake, other, 2).exit_code == 1
    assert len(fake.arrivals) == asked
    assert published(other).without() == seen.without()


@pytest.mark.parametrize(("which", "code"), some([(w, c) for w in LISTS for c in (404, 403, 410)], 0, 4, 8))
def test_one_refusal_of_a_later_page_makes_no_list_complete(
    which: str, code: int, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """A page 2 that is refused once leaves its list failed and the run partial, and nothing is called gone or removed."""
    where, key = LISTS[which]
    fake.script.add(Fault("status", page=2, code=code, message="nope", **where))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("list: one page refused", undisturbed.truth, seen, result, ledger, fake)
    kind = "forbidden" if code == 403 else "http_error"
    assert [(row["kind"], key_of(row), row["http_status"]) for row in seen["problems"]] == [(kind, key, code)]
    covered = [row["coverage"] for table in ("workspaces", "projects", "pipelines")
               for row in seen[table] if key_of(row) == key]  # fmt: skip
    assert covered == ["failed"]
    assert seen["action_changes"] == []
    assert (result.exit_code, seen.status) == (1, "partial")


@pytest.mark.parametrize("which", some(LISTS, 0, 2))
def test_one_404_of_a_listed_parent_is_not_believed(
    which: str, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """The first 404 of a list whose parent was just listed is asked again, and the answer that follows is the night's."""
    where, _ = LISTS[which]
    fake.script.add(Fault("status", page=1, code=404, **where))
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    _judge("list: 404, once", undisturbed.truth, seen, result, ledger, fake)
    assert seen.without() == undisturbed.truth.without()
    assert result.exit_code == 0
    assert len(fake.arrivals) == undisturbed.requests + 1


def test_a_promotion_that_shares_its_id_with_another_action_is_collected(
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Two actions of one list with one id: the promotion has its row, the other a problem, and the run is partial."""
    fake.script.add(
        Fault(
            "wrong_type",
            kind="actions",
            path="*/pipelines/101/actions",
            json_path="actions[0].id",
            value=1002,
            times=None,
        )
    )
    lake = fresh_lake()
    result = night(fake, lake, 2)
    seen = published(lake)
    lost = judged(undisturbed.truth, seen).lost
    ledger.note("list: one id, two items", result.exit_code, injected=1, lost=len(lost), false=0)
    assert lost == []
    pipeline = ("us", *PIPELINE, None)
    (problem,) = seen["problems"]
    assert (problem["kind"], key_of(problem)) == ("not_understood", pipeline)
    assert problem["json_path"] == "$.actions[1]"
    assert "SSH_COMMAND" in problem["raw"]
    assert [row["coverage"] for row in seen["pipelines"] if key_of(row) == pipeline] == ["failed"]
    assert seen["promote_image_actions"] == [
        {**row, "run_id": seen.run_id} for row in undisturbed.truth["promote_image_actions"]
    ]
    assert seen["action_changes"] == []
    assert result.exit_code == 1

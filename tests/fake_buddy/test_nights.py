"""Differences between nights, and edits."""

from __future__ import annotations

from typing import Any

import pytest

from collector.fake_buddy import Edit, FakeWorld
from collector.fake_buddy.edits import Path
from tests.worlds import actions_of

EXECUTION = {"last_execution_status", "current_revision", "pipeline"}


def snapshot(world: FakeWorld) -> dict[Path, dict[str, Any]]:
    """Return every action by its path."""
    return {action: world.item(action) for action in actions_of(world)}


NIGHTS = {night: snapshot(FakeWorld().at(night)) for night in range(1, 6)}


def changed(before: int, after: int) -> dict[Path, set[str]]:
    """Return the changed fields of the actions that exist on both nights."""
    old, new = NIGHTS[before], NIGHTS[after]
    both = old.keys() & new.keys()
    fields = {path: {name for name in old[path] if old[path][name] != new[path].get(name)} for path in both}
    return {path: names for path, names in fields.items() if names}


def test_the_second_night_adds_removes_and_changes() -> None:
    """The smallest world too adds, removes and changes an action on its second night."""
    assert NIGHTS[2].keys() - NIGHTS[1].keys()
    assert NIGHTS[1].keys() - NIGHTS[2].keys()
    assert "dest" in changed(1, 2)[("acme", "checkout-api", 101, 1002)]
    assert any(names & {"last_execution_status", "current_revision"} for names in changed(1, 2).values())


def test_one_action_returns_and_one_does_not() -> None:
    """An action removed on night 2 is back on night 4; one removed on night 3 stays removed."""
    away = {path for path in NIGHTS[1].keys() - NIGHTS[2].keys() if path[:3] == ("acme", "checkout-api", 102)}
    assert away
    assert away <= NIGHTS[4].keys()
    assert not away & NIGHTS[3].keys()
    gone = {path for path in NIGHTS[2].keys() - NIGHTS[3].keys() if path[:3] == ("acme", "checkout-api", 103)}
    assert gone
    assert not gone & (NIGHTS[4].keys() | NIGHTS[5].keys())


def test_most_of_the_configuration_stays() -> None:
    """Between two nights at most a fifth of the actions change their configuration."""
    moved = [path for path, names in changed(2, 3).items() if names - EXECUTION]
    assert 0 < len(moved) <= len(NIGHTS[2]) / 5


def test_nights_do_not_depend_on_each_other() -> None:
    """A night is the same whichever night was computed before it."""
    assert snapshot(FakeWorld().at(30).at(3)) == NIGHTS[3]


def test_a_year_does_not_overflow() -> None:
    """After a year a pipeline has no more actions than it has ids reserved."""
    world = FakeWorld(actions=8)
    counts = world.at(365).count()
    assert counts["actions"] <= counts["pipelines"] * 12
    assert counts["actions"] > world.count()["actions"]


PIPELINE = ("acme", "web-shop", 106)


def test_an_edit_applies_from_a_night_until_another() -> None:
    """A removed action is missing from `from_night` to the night before `until`, in lists and by GET."""
    victim = next(iter(FakeWorld().paths(PIPELINE)))
    world = FakeWorld().remove(*victim, from_night=2, until=4)
    listed = [victim in list(world.at(night).paths(PIPELINE)) for night in (1, 2, 3, 4)]
    assert listed == [True, False, False, True]
    with pytest.raises(LookupError):
        world.at(2).item(victim)
    assert victim[-1] not in [item["id"] for item in world.at(2).actions(*PIPELINE)]


def test_a_change_is_visible_where_the_field_is() -> None:
    """A changed field differs in the action and, if the list has the field, in the list."""
    victim = next(iter(FakeWorld().paths(PIPELINE)))
    world = FakeWorld().change(*victim, name="renamed", src={"tag": "x"}, timeout=..., from_night=2).at(2)
    item = world.item(victim)
    listed = next(item for item in world.actions(*PIPELINE) if item["id"] == victim[-1])
    assert (item["name"], item["src"], "timeout" in item) == ("renamed", {"tag": "x"}, False)
    assert listed["name"] == "renamed"
    assert "src" not in listed
    assert FakeWorld().change(*victim, name="renamed", from_night=2).item(victim) == FakeWorld().item(victim)


def test_a_change_of_a_pipeline_reaches_its_actions() -> None:
    """A renamed pipeline has its new name in its list and in each of its actions."""
    world = FakeWorld().change(*PIPELINE, name="Renamed")
    assert "Renamed" in [item["name"] for item in world.pipelines("acme", "web-shop")]
    assert world.item(next(iter(world.paths(PIPELINE))))["pipeline"]["name"] == "Renamed"


def test_items_can_be_added_at_every_level() -> None:
    """An added workspace, project, pipeline and action are listed, found, counted and sorted."""
    world = (
        FakeWorld()
        .add(item={"domain": "new", "id": 9, "name": "New"})
        .add("new", item={"name": "fresh", "display_name": "Fresh", "status": "ACTIVE"})
        .add("new", "fresh", item={"id": 7, "name": "Late"})
        .add("new", "fresh", item={"id": 5, "name": "Early"})
        .add("new", "fresh", 7, item={"id": 1, "type": "PROMOTE_IMAGE", "name": "A", "src": {}, "dest": {}})
    )
    assert [item["id"] for item in world.pipelines("new", "fresh", "id")] == [5, 7]
    assert [item["id"] for item in world.pipelines("new", "fresh", "id", descending=True)] == [7, 5]
    assert world.action("new", "fresh", 7, 1)["pipeline"]["name"] == "Late"
    before, after = FakeWorld().count(), world.count()
    assert {name: after[name] - before[name] for name in after} == {
        "workspaces": 1,
        "projects": 1,
        "pipelines": 2,
        "actions": 1,
        "promote_image_actions": 1,
    }


def test_everything_below_a_removed_item_is_gone() -> None:
    """Nothing below a removed project exists; its siblings stay."""
    world = FakeWorld().remove("acme", "web-shop")
    assert not world.exists(PIPELINE)
    assert world.refusal(PIPELINE) == (404, "Project not found")
    assert world.count()["projects"] == FakeWorld().count()["projects"] - 1


def test_an_added_item_can_be_removed() -> None:
    """An item that was added and removed is in no list and does not exist."""
    world = FakeWorld().add("acme", item={"name": "brief"}).remove("acme", "brief")
    assert "brief" not in [project["name"] for project in world.projects("acme")]
    assert ("acme", "brief") not in list(world.paths(("acme",)))
    assert not world.exists(("acme", "brief"))


def test_an_unknown_edit_is_refused() -> None:
    """An unknown edit raises ValueError with the known ones."""
    with pytest.raises(ValueError, match="one of add, remove"):
        Edit("burn", ("acme",))

"""Not seeing an action is not seeing it gone: every way of not seeing one, and the few that mean it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import collector
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.settings.secret import Secret
from tests.faults.law import GAPS, LISTS, judged
from tests.faults.ledger import Ledger
from tests.faults.nights import QUICK, at, night, settings
from tests.faults.published import Published, key_of, published, runs_of

Key = tuple[Any, ...]
PER_PAGE = 20


def town() -> FakeWorld:
    """Five workspaces of four projects of three pipelines with two promotions each; one project has a second page."""
    world = FakeWorld(workspaces=5, projects=4, pipelines=3, actions=2, promote_share=1.0, awkward=False)
    pipeline = world.pipelines("acme", "ml-models")[0]
    for number in range(19):
        world = world.add("acme", "ml-models", item={**pipeline, "id": 9000 + number})
    return world


@pytest.fixture
def fake() -> Iterator[FakeBuddy]:
    """A Buddy with the town."""
    with FakeBuddy(town(), max_per_page=PER_PAGE) as serving:
        yield serving


def _promotions(world: FakeWorld, *beneath: str | int) -> list[Key]:
    """The keys of the promotions at or beneath a path."""
    if len(beneath) == 4:
        return [("us", *beneath)]
    found: list[Key] = []
    for child in world.paths(beneath):
        found += _promotions(world, *child)
    return found


def _keys(rows: Any) -> set[Key]:
    return {key_of(row) for row in rows}


def _changes(seen: Published) -> list[tuple[str, Key]]:
    return sorted((row["change"], key_of(row)) for row in seen["action_changes"])


# Every way of not seeing: what is done to the world or on the wire, and beneath which path nothing can be said.
def _blinded(fake: FakeBuddy) -> list[tuple[str | int, ...]]:
    shop = ("acme", "checkout-api")
    pipelines = list(town().paths(shop))
    actions = [next(iter(town().paths(path))) for path in pipelines]
    other = [next(iter(town().paths(path))) for path in town().paths(("acme", "web-shop"))]
    fake.world = town().forbid(*pipelines[2]).disable("globex-eu").freeze("initech_labs")
    fake.script.add(
        Fault("status", code=500, kind="action", path=f"*/actions/{actions[0][3]}", times=None),
        Fault("status", code=503, kind="actions", path=f"*/pipelines/{pipelines[1][2]}/actions", times=None),
        Fault("ignore_page", kind="pipelines", path="/workspaces/acme/projects/ml-models/pipelines", times=None),
        Fault("wrong_type", kind="actions", path=f"*/pipelines/{other[0][2]}/actions", json_path="actions[0].id",
              value="1029", times=None),
        Fault("wrong_type", kind="action", path=f"*/actions/{other[1][3]}", json_path="dest", value="eu", times=None),
        Fault("hang", kind="action", path=f"*/actions/{other[2][3]}", times=None),
    )  # fmt: skip
    return [
        actions[0], pipelines[1], pipelines[2], ("acme", "ml-models"), other[0], other[1], other[2],
        ("globex-eu",), ("initech_labs",), ("umbrella-health",), ("hooli", "payments"), ("acme", "payments"),
    ]  # fmt: skip


def test_not_seeing_is_not_removing(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """However an action comes not to be seen, it is not called removed and stays last known; every gap is explained."""
    lake = tmp_path / "lake"
    assert night(fake, lake, 1).exit_code == 0
    truth = published(lake)
    everything = _keys(truth["last_known_actions"])
    assert everything == set(_promotions(town()))

    blind = _blinded(fake)
    filters: dict[str, Any] = {"workspaces": ("!umbrella-health",), "projects": ("!payments",)}
    result = night(fake, lake, 2, limits=QUICK, **filters)
    seen = published(lake)
    judgement = judged(truth, seen, filtered=True)
    unseen = everything - _keys(seen["promote_image_actions"])
    hidden = {key for path in blind for key in _promotions(town(), *path)}
    ledger.note("every way of not seeing an action", result.exit_code, injected=len(blind),
                lost=len(judgement.lost), false=len(judgement.false))  # fmt: skip
    assert judgement.broken == []
    assert result.exit_code == 1
    assert unseen >= {key for key in hidden if key[2] != "ml-models" or key[1] != "acme"}
    assert unseen <= hidden
    assert len(unseen) > 40
    assert _changes(seen) == []
    assert _keys(seen["last_known_actions"]) == everything
    assert {row["last_seen_run_id"] for row in seen["last_known_actions"]} == set(runs_of(lake))
    every_gap_is_explained(lake, seen)

    fake.script.clear()
    fake.world = town()
    assert night(fake, lake, 3).exit_code == 0
    assert _changes(published(lake)) == []


def every_gap_is_explained(lake: Path, seen: Published) -> None:
    """`ask coverage_last_night` has exactly one line for each thing with a gap, and says why unless it was filtered out."""
    lines = collector.open_lake(lake).ask("coverage_last_night").table.to_pylist()
    gaps = {key_of(row): row["coverage"] for table in LISTS for row in seen[table] if row["coverage"] in GAPS}
    told = [line for line in lines if line["workspace"] is not None]
    assert sorted(map(str, gaps)) == sorted(str(key_of(line)) for line in told)
    for line in told:
        assert line["coverage"] == gaps[key_of(line)]
        assert line["why"] or line["coverage"] == "skipped", line
    counted: dict[tuple[str, str], int] = {}
    for line in lines:
        if line["workspace"] is None and line["level"] != "installation":
            counted[line["level"], line["coverage"]] = line["things"]
    for table, level in zip(LISTS, ("workspace", "project", "pipeline", "action"), strict=True):
        coverages = [row["coverage"] for row in seen[table]]
        assert {c: coverages.count(c) for c in coverages} == {c: n for (at, c), n in counted.items() if at == level}


def test_truly_gone_is_removed_once_and_returns_once(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """An action that is gone from a complete list, or answers 404, is removed in that night only; back, it returns once."""
    lake = tmp_path / "lake"
    assert night(fake, lake, 1).exit_code == 0
    pipelines = list(town().paths(("acme", "checkout-api")))
    action, vanished = (next(iter(town().paths(path))) for path in pipelines[:2])
    gone: list[tuple[str | int, ...]] = [action, vanished, pipelines[2], ("acme", "web-shop"), ("hooli",)]
    lost = {key for path in gone for key in _promotions(town(), *path)}

    world = town()
    for path in gone:
        if path != vanished:
            world = world.remove(*path)
    fake.world = world
    fake.script.add(Fault("vanish", kind="action", path=f"*/actions/{vanished[3]}"))
    assert night(fake, lake, 2).exit_code == 0
    seen = published(lake)
    assert _changes(seen) == sorted(("removed", key) for key in lost)
    assert _keys(seen["last_known_actions"]) == set(_promotions(town())) - lost

    # A night that can't see anything of it, and one that sees the same again, say nothing new.
    fake.world = world.disable("acme")
    assert night(fake, lake, 3).exit_code == 1
    assert _changes(published(lake)) == []
    fake.world = world
    assert night(fake, lake, 4).exit_code == 0
    assert _changes(published(lake)) == []

    fake.script.clear()
    fake.world = town()
    assert night(fake, lake, 5).exit_code == 0
    assert _changes(published(lake)) == sorted(("returned", key) for key in lost)
    assert night(fake, lake, 6).exit_code == 0
    assert _changes(published(lake)) == []
    ledger.note("actions truly gone, and back", 0, 1, 0, 0, 0, injected=len(gone), runs=6)


@pytest.mark.faults
def test_without_the_list_of_workspaces_the_last_night_stands(fake: FakeBuddy, tmp_path: Path) -> None:
    """When nothing at all could be seen nothing is published, and the lake says what it said before."""
    lake = tmp_path / "lake"
    assert night(fake, lake, 1).exit_code == 0
    before = (lake / "manifest.json").read_bytes()
    fake.script.add(Fault("status", code=500, kind="workspaces", times=None))
    assert night(fake, lake, 2).exit_code == 3
    assert (lake / "manifest.json").read_bytes() == before


@pytest.mark.faults
def test_an_installation_whose_token_was_withdrawn_claims_nothing(
    fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """Of two installations one refuses the token: the other's night is published, and nothing of the first is removed."""
    import asyncio
    import random

    from collector.run.collect import collect
    from collector.run.context import RunContext as Outside
    from tests.faults.nights import Watcher

    lake = tmp_path / "lake"

    def both(number: int, token: str) -> str:
        one = settings(fake, lake)
        second = replace(one.installations[0], name="eu", token=Secret(token))
        both = replace(one, installations=(one.installations[0], second))

        async def collected() -> str:
            stop = asyncio.Event()
            outside = Outside(lambda: at(number), random.Random(number), Watcher(), stop, QUICK)
            return (await collect(both, outside)).status

        return asyncio.run(collected())

    assert both(1, fake.token) == "complete"
    known = _keys(published(lake)["last_known_actions"])
    assert both(2, "withdrawn") == "partial"
    seen = published(lake)
    assert _changes(seen) == []
    assert _keys(seen["last_known_actions"]) == known
    assert [(row["kind"], row["installation"]) for row in seen["problems"]] == [("unauthorised", "eu")]
    assert both(3, fake.token) == "complete"
    assert _changes(published(lake)) == []
    ledger.note("token of one of two installations withdrawn", 1)


def test_an_action_that_changes_its_type_while_it_is_read_stops_nobody(fake: FakeBuddy, tmp_path: Path) -> None:
    """Listed as a promotion, and something else by the time it is asked for: the night is whole, and it is removed."""
    lake = tmp_path / "lake"
    assert night(fake, lake, 1).exit_code == 0
    action = next(iter(town().paths(next(iter(town().paths(("acme", "checkout-api")))))))
    fake.script.add(
        Fault("wrong_type", kind="action", path=f"*/actions/{action[3]}", json_path="type", value="SLEEP", times=None)
    )
    result = night(fake, lake, 2)
    assert result.exit_code == 0, result.error
    assert _changes(published(lake)) == [("removed", ("us", *action))]

"""An action that was not seen is not removed: every way of not seeing one, and the cases of a real removal."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import collector
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.run.collect import collect
from collector.run.context import RunContext
from collector.settings.secret import Secret
from tests.faults.invariants import GAPS, LISTS, violations
from tests.faults.ledger import Ledger
from tests.faults.published import Published, key_of, published, runs_of
from tests.faults.runs import SHORT_TIMEOUTS, RecordingObserver, run_collect, settings, start_of_run

Key = tuple[Any, ...]
PER_PAGE = 20


def estate() -> FakeWorld:
    """Return five workspaces with four projects of three pipelines of two promotions; one list has a second page."""
    world = FakeWorld(workspaces=5, projects=4, pipelines=3, actions=2, promote_share=1.0, awkward=False)
    pipeline = world.pipelines("acme", "ml-models")[0]
    for number in range(19):
        world = world.add("acme", "ml-models", item={**pipeline, "id": 9000 + number})
    return world


@pytest.fixture
def fake() -> Iterator[FakeBuddy]:
    """Serve the estate."""
    with FakeBuddy(estate(), max_per_page=PER_PAGE) as serving:
        yield serving


def _promotions(world: FakeWorld, *path: str | int) -> list[Key]:
    """Return the keys of the promotions at or below a path."""
    if len(path) == 4:
        return [("us", *path)]
    found: list[Key] = []
    for child in world.paths(path):
        found += _promotions(world, *child)
    return found


def _keys(rows: Any) -> set[Key]:
    return {key_of(row) for row in rows}


def _changes(seen: Published) -> list[tuple[str, Key]]:
    return sorted((row["change"], key_of(row)) for row in seen["action_changes"])


def _hide(fake: FakeBuddy) -> list[tuple[str | int, ...]]:
    """Hide actions in every way, by the world or by faults, and return the paths below which nothing can be seen."""
    shop = ("acme", "checkout-api")
    pipelines = list(estate().paths(shop))
    actions = [next(iter(estate().paths(path))) for path in pipelines]
    other = [next(iter(estate().paths(path))) for path in estate().paths(("acme", "web-shop"))]
    fake.world = estate().forbid(*pipelines[2]).disable("globex-eu").freeze("initech_labs")
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


def test_an_unseen_action_is_not_removed(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """An action that was not seen, for any reason, is not removed and stays last known; every gap has a reason."""
    lake = tmp_path / "lake"
    assert run_collect(fake, lake, 1).exit_code == 0
    everything = _keys(published(lake)["last_known_actions"])
    assert everything == set(_promotions(estate()))
    undisturbed = Path(shutil.copytree(lake, tmp_path / "undisturbed"))
    assert run_collect(fake, undisturbed, 2).exit_code == 0
    truth = published(undisturbed)

    hidden_paths = _hide(fake)
    filters: dict[str, Any] = {"workspaces": ("!umbrella-health",), "projects": ("!payments",)}
    result = run_collect(fake, lake, 2, limits=SHORT_TIMEOUTS, **filters)
    seen = published(lake)
    found = violations(truth, seen, filtered=True)
    unseen = everything - _keys(seen["promote_image_actions"])
    hidden = {key for path in hidden_paths for key in _promotions(estate(), *path)}
    ledger.note("every way of not seeing an action", result.exit_code, injected=len(hidden_paths),
                lost=len(found.lost), false=len(found.false))  # fmt: skip
    assert found.all == []
    assert result.exit_code == 1
    assert unseen >= {key for key in hidden if key[2] != "ml-models" or key[1] != "acme"}
    assert unseen <= hidden
    assert len(unseen) > 40
    assert _changes(seen) == []
    assert _keys(seen["last_known_actions"]) == everything
    assert {row["last_seen_run_id"] for row in seen["last_known_actions"]} == set(runs_of(lake))
    every_gap_is_explained(lake, seen)

    fake.script.clear()
    fake.world = estate()
    assert run_collect(fake, lake, 3).exit_code == 0
    assert _changes(published(lake)) == []


def every_gap_is_explained(lake: Path, seen: Published) -> None:
    """Check that `ask coverage_last_night` has one line per gap, with the reason unless it was filtered out."""
    lines = collector.open_lake(lake).ask("coverage_last_night").table.to_pylist()
    gaps = {key_of(row): row["coverage"] for table in LISTS for row in seen[table] if row["coverage"] in GAPS}
    # The executions of a pipeline that was itself not seen are no gap of their own.
    gaps |= {
        key_of(row): row["executions_coverage"]
        for row in seen["pipelines"]
        if row["executions_coverage"] in GAPS and row["coverage"] not in GAPS
    }
    gap_lines = [line for line in lines if line["workspace"] is not None]
    assert sorted(map(str, gaps)) == sorted(str(key_of(line)) for line in gap_lines)
    for line in gap_lines:
        assert line["coverage"] == gaps[key_of(line)]
        assert line["why"] or line["coverage"] == "skipped", line
    counted: dict[tuple[str, str], int] = {}
    for line in lines:
        if line["workspace"] is None and line["level"] != "installation":
            counted[line["level"], line["coverage"]] = line["things"]
    for table, level in zip(LISTS, ("workspace", "project", "pipeline", "action"), strict=True):
        coverages = [row["coverage"] for row in seen[table]]
        assert {c: coverages.count(c) for c in coverages} == {c: n for (at, c), n in counted.items() if at == level}


def test_a_deleted_action_is_removed_once_and_returns_once(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """An action missing from a complete list, or with a 404, is removed once; when it is back, it returns once."""
    lake = tmp_path / "lake"
    assert run_collect(fake, lake, 1).exit_code == 0
    pipelines = list(estate().paths(("acme", "checkout-api")))
    action, vanished = (next(iter(estate().paths(path))) for path in pipelines[:2])
    gone: list[tuple[str | int, ...]] = [action, vanished, pipelines[2], ("acme", "web-shop"), ("hooli",)]
    lost = {key for path in gone for key in _promotions(estate(), *path)}

    world = estate()
    for path in gone:
        if path != vanished:
            world = world.remove(*path)
    fake.world = world
    fake.script.add(Fault("vanish", kind="action", path=f"*/actions/{vanished[3]}"))
    assert run_collect(fake, lake, 2).exit_code == 0
    seen = published(lake)
    assert _changes(seen) == sorted(("removed", key) for key in lost)
    assert _keys(seen["last_known_actions"]) == set(_promotions(estate())) - lost

    # A run that cannot see the actions, and one that sees the same again, have no change.
    fake.world = world.disable("acme")
    assert run_collect(fake, lake, 3).exit_code == 1
    assert _changes(published(lake)) == []
    fake.world = world
    assert run_collect(fake, lake, 4).exit_code == 0
    assert _changes(published(lake)) == []

    fake.script.clear()
    fake.world = estate()
    assert run_collect(fake, lake, 5).exit_code == 0
    assert _changes(published(lake)) == sorted(("returned", key) for key in lost)
    assert run_collect(fake, lake, 6).exit_code == 0
    assert _changes(published(lake)) == []
    ledger.note("actions deleted, and back", 0, 1, 0, 0, 0, injected=len(gone), runs=6)


@pytest.mark.faults
def test_an_installation_with_a_revoked_token_removes_nothing(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """If one of two installations refuses its token, the other is published and nothing of the first is removed."""
    lake = tmp_path / "lake"

    def both(number: int, token: str) -> str:
        one = settings(fake, lake)
        second = replace(one.installations[0], name="eu", token=Secret(token))
        both = replace(one, installations=(one.installations[0], second))

        async def collected() -> str:
            stop = asyncio.Event()
            context = RunContext(
                lambda: start_of_run(number), random.Random(number), RecordingObserver(), stop, SHORT_TIMEOUTS
            )
            return (await collect(both, context)).status

        return asyncio.run(collected())

    assert both(1, fake.token) == "complete"
    known = _keys(published(lake)["last_known_actions"])
    assert both(2, "revoked") == "partial"
    seen = published(lake)
    assert _changes(seen) == []
    assert _keys(seen["last_known_actions"]) == known
    assert [(row["kind"], row["installation"]) for row in seen["problems"]] == [("unauthorised", "eu")]
    assert both(3, fake.token) == "complete"
    assert _changes(published(lake)) == []
    ledger.note("token of one of two installations revoked", 1)


def test_an_action_that_changes_its_type_is_removed(fake: FakeBuddy, tmp_path: Path) -> None:
    """An action listed as a promotion whose GET has another type is removed, and the run is complete."""
    lake = tmp_path / "lake"
    assert run_collect(fake, lake, 1).exit_code == 0
    action = next(iter(estate().paths(next(iter(estate().paths(("acme", "checkout-api")))))))
    fake.script.add(
        Fault("wrong_type", kind="action", path=f"*/actions/{action[3]}", json_path="type", value="SLEEP", times=None)
    )
    result = run_collect(fake, lake, 2)
    assert result.exit_code == 0, result.error
    assert _changes(published(lake)) == [("removed", ("us", *action))]

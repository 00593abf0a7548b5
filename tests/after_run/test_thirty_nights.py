"""Nights in a row, unattended: published or resumable, every change told once, nothing left behind, no growth."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.fake_buddy import FakeWorld
from collector.lake.lake import Lake
from collector.lake.verify import verify
from collector.run import context
from tests.after_run.thirty import QUICK, Nights
from tests.worlds import pipelines_of

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are pursued for seconds, not for minutes."""
    limits = {**{name: getattr(QUICK, name) for name in QUICK.__struct_fields__}, "stuck_after_s": 20.0}
    monkeypatch.setattr(context, "RunContext", partial(context.RunContext, limits=type(QUICK)(**limits)))


def planted(world: FakeWorld, nights: int) -> tuple[FakeWorld, list[tuple[Any, ...]]]:
    """The world with one change, one addition and sometimes one removal planted for each night from the second on.

    Returns what must be told of them, each exactly once: (action id, change, column, new value).
    """
    always = [set(_promotions_of(world.at(night=night))) for night in range(1, nights + 2)]
    paths = sorted(set.intersection(*always))
    place = next(path for path in pipelines_of(world) if _promotions(world, path))
    told: list[tuple[Any, ...]] = []
    model = world.action(*_promotions(world, place)[0])
    for night in range(2, nights + 1):
        path = paths[night % len(paths)]
        if night <= len(paths):
            world = world.change(*path, from_night=night, timeout=100_000 + night)
            told.append((path[-1], "changed", "timeout", str(100_000 + night)))
        number = 900_000 + night
        item = {**model, "id": number, "name": f"planted {night}"}
        leaves = night + 3 if night % 3 == 0 and night + 3 < nights else None
        world = world.add(*place, item=item, from_night=night, until=leaves)
        told.append((number, "added", None, None))
        if leaves is not None:
            told.append((number, "removed", None, None))
    return world, told


def _promotions_of(world: FakeWorld) -> list[tuple[Any, ...]]:
    return [path for place in pipelines_of(world) for path in _promotions(world, place)]


def _promotions(world: FakeWorld, pipeline: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [path for path in world.paths(pipeline) if world.item(path)["type"] == "PROMOTE_IMAGE"]


def nights_in_a_row(folder: Path, count: int) -> Nights:
    """Collect so many nights and a quiet one, and hold them to the law."""
    world, told = planted(FakeWorld(seed=3, workspaces=2, projects=3, pipelines=3, actions=5), count)
    nights = Nights(folder, world.freeze("globex-eu", from_night=4, until=5))
    for number in range(1, count + 1):
        nights.night(number)
    nights.night(count + 1, quiet=True)
    assert nights.codes[-1] == 0
    assert set(nights.codes) <= {0, 1, 3, 4, 130}
    for each in told:
        # One that a 404 hid when it changed came back as `returned`, which tells of all its columns at once.
        hidden = nights.ledger.told[each[0], "returned", None, None]
        assert nights.ledger.told[each] == 1 or hidden, each
    live = {("us", *path) for path in _promotions_of(nights.world.at(night=count + 1))}
    assert nights.ledger.known.keys() == live
    assert not verify(Lake.open(nights.lake))
    text = (folder / "collector.prom").read_text(encoding="utf-8")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["collector_last_run_exit_code"].samples[0].value == 0
    return nights


@pytest.mark.usefixtures("no_catalog")
def test_five_nights(tmp_path: Path) -> None:
    """Five nights with faults, a night that is stopped and one that is frozen out: the law of thirty, in short."""
    nights_in_a_row(tmp_path, 5)


@pytest.mark.faults
def test_thirty_nights(tmp_path: Path) -> None:
    """Thirty nights over the end of a month, with pruning and merging: the law holds, and the process holds on to nothing.

    What is in use is counted exactly, so its bounds are tight: nine nights measured 1,900 blocks (three quarters of them
    this test's own ledger), 62 objects and 32 KiB of heap. What is resident beyond that is pages that allocators keep for
    the next night: 14 to 16 MiB more in these nine nights, in which merging gets under way, and over a hundred nights no
    more than that.
    """
    nights = nights_in_a_row(tmp_path, 30)
    # From when the lake has as many nights as are kept.
    early, late = nights.footprints[21], nights.footprints[-1]
    print(f"\nexit codes: {nights.codes}\nafter 22 nights: {early}\nafter 31: {late}")
    assert late["files"] <= early["files"]
    assert late["threads"] <= early["threads"]
    assert late["objects"] <= early["objects"] + 500
    assert late["blocks"] <= early["blocks"] + 4_000
    assert late["heap"] <= early["heap"] + MEBIBYTE // 2
    assert late["arrow"] <= early["arrow"]  # constants that other tests of this process hold stay
    assert late["resident"] <= early["resident"] + 24 * MEBIBYTE

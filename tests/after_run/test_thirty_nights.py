"""Many unattended runs: each is published or resumable, every change is recorded once, nothing is left behind."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.fake_buddy import FakeWorld
from collector.lake.lake import Lake
from collector.lake.verify import verify
from collector.run import context
from tests.after_run.thirty import SHORT_TIMEOUTS, Nights
from tests.worlds import pipelines_of

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are retried for seconds, not for minutes."""
    limits = {
        **{name: getattr(SHORT_TIMEOUTS, name) for name in SHORT_TIMEOUTS.__struct_fields__},
        "stuck_after_s": 20.0,
    }
    monkeypatch.setattr(context, "RunContext", partial(context.RunContext, limits=type(SHORT_TIMEOUTS)(**limits)))


def planted(world: FakeWorld, nights: int) -> tuple[FakeWorld, list[tuple[Any, ...]]]:
    """Return the world with one change, one addition and sometimes one removal for each night from the second on.

    Also return the changes that must be recorded, each exactly once: (action id, change, column, new value).
    """
    always = [set(_promotions_of(world.at(night=night))) for night in range(1, nights + 2)]
    paths = sorted(set.intersection(*always))
    place = next(path for path in pipelines_of(world) if _promotions(world, path))
    expected: list[tuple[Any, ...]] = []
    model = world.action(*_promotions(world, place)[0])
    for night in range(2, nights + 1):
        path = paths[night % len(paths)]
        if night <= len(paths):
            world = world.change(*path, from_night=night, timeout=100_000 + night)
            expected.append((path[-1], "changed", "timeout", str(100_000 + night)))
        number = 900_000 + night
        item = {**model, "id": number, "name": f"planted {night}"}
        leaves = night + 3 if night % 3 == 0 and night + 3 < nights else None
        world = world.add(*place, item=item, from_night=night, until=leaves)
        expected.append((number, "added", None, None))
        if leaves is not None:
            expected.append((number, "removed", None, None))
    return world, expected


def _promotions_of(world: FakeWorld) -> list[tuple[Any, ...]]:
    return [path for place in pipelines_of(world) for path in _promotions(world, place)]


def _promotions(world: FakeWorld, pipeline: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [path for path in world.paths(pipeline) if world.item(path)["type"] == "PROMOTE_IMAGE"]


def nights_in_a_row(folder: Path, count: int) -> Nights:
    """Collect so many runs and one without faults, and check them."""
    world, expected = planted(FakeWorld(seed=3, workspaces=2, projects=3, pipelines=3, actions=5), count)
    nights = Nights(folder, world.freeze("globex-eu", from_night=4, until=5))
    for number in range(1, count + 1):
        nights.night(number)
    nights.night(count + 1, quiet=True)
    assert nights.codes[-1] == 0
    assert set(nights.codes) <= {0, 1, 3, 4, 130}
    for each in expected:
        # An action that a 404 hid when it changed came back as `returned`, which covers all its columns.
        hidden = nights.ledger.recorded[each[0], "returned", None, None]
        assert nights.ledger.recorded[each] == 1 or hidden, each
    live = {("us", *path) for path in _promotions_of(nights.world.at(night=count + 1))}
    assert nights.ledger.known.keys() == live
    assert not verify(Lake.open(nights.lake))
    text = (folder / "collector.prom").read_text(encoding="utf-8")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["collector_last_run_exit_code"].samples[0].value == 0
    return nights


@pytest.mark.faults
def test_thirty_nights(tmp_path: Path) -> None:
    """Thirty runs over the end of a month, with pruning and merging, follow the rules, and the process does not grow.

    What is in use is counted exactly, so its bounds are tight: nine runs measured 1,900 blocks (three quarters of them
    this test's own ledger), 62 objects and 32 KiB of heap. The rest of the resident memory is pages that allocators
    keep for the next run: 14 to 16 MiB more in these nine runs, in which merging begins, and no more over a hundred
    runs.
    """
    nights = nights_in_a_row(tmp_path, 30)
    # From then on the lake has as many runs as are kept.
    early, late = nights.footprints[21], nights.footprints[-1]
    print(f"\nexit codes: {nights.codes}\nafter 22 nights: {early}\nafter 31: {late}")
    assert late["files"] <= early["files"]
    assert late["threads"] <= early["threads"]
    assert late["objects"] <= early["objects"] + 500
    assert late["blocks"] <= early["blocks"] + 4_000
    assert late["heap"] <= early["heap"] + MEBIBYTE // 2
    assert late["arrow"] <= early["arrow"]  # constants that other tests of this process hold stay
    assert late["resident"] <= early["resident"] + 24 * MEBIBYTE

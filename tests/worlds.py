"""Where things stand in a world of the fake Buddy and in its rate limit, for tests that look into them."""

import time
from collections.abc import Iterator

from collector.fake_buddy import FakeWorld
from collector.fake_buddy.edits import Path


def pipelines_of(world: FakeWorld) -> Iterator[Path]:
    """Yield the path of every pipeline."""
    for workspace in world.paths(()):
        for project in world.paths(workspace):
            yield from world.paths(project)


def actions_of(world: FakeWorld) -> Iterator[Path]:
    """Yield the path of every action."""
    for pipeline in pipelines_of(world):
        yield from world.paths(pipeline)


def early_in_a_window(seconds: float) -> float:
    """The `clock_skew` by which a window of the fake's rate limit begins now, whatever this machine's clock says.

    At most half a window either way: with windows of up to 100 s no skew that anybody is warned of.
    """
    into = time.time() % seconds
    return -into if into < seconds / 2 else seconds - into

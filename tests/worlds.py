"""Paths in a world of the fake Buddy, and a clock skew for its rate limit."""

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
    """Return the `clock_skew` with which a window of the fake's rate limit begins now.

    It is at most half a window: with windows of up to 100 s, too small for a warning about the clock.
    """
    into = time.time() % seconds
    return -into if into < seconds / 2 else seconds - into

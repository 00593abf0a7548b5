"""Where things stand in a world of the fake Buddy, for tests that look into it."""

from collections.abc import Iterator

from collector.fake_buddy import World
from collector.fake_buddy.edits import Path


def pipelines_of(world: World) -> Iterator[Path]:
    """Yield the path of every pipeline."""
    for workspace in world.paths(()):
        for project in world.paths(workspace):
            yield from world.paths(project)


def actions_of(world: World) -> Iterator[Path]:
    """Yield the path of every action."""
    for pipeline in pipelines_of(world):
        yield from world.paths(pipeline)

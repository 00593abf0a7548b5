"""From the paths that requests name to the indexes that the ground computes with; edits are not counted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

from .company import project_index, project_name, workspace_domain, workspace_index
from .edits import Path
from .ids import Ids
from .promotions import JsonObject
from .timeline import EntityPath

Indexes = tuple[int, ...]


class Lookup:
    """The ground on one night, found by `(workspace, project, pipeline_id, action_id)` or its beginning."""

    def __init__(self, ground: Ids, night: int) -> None:
        self.ground = ground
        self.night = night
        # A pipeline's actions are asked for one after another: their parents are looked up once.
        self._parent = lru_cache(maxsize=256)(self.place)
        self._slots = lru_cache(maxsize=256)(partial(self.ground.slots_in, night=night))

    def place(self, path: Path) -> Indexes | None:
        """Return the indexes that a path stands for, or None where nothing is."""
        if not path:
            return ()
        place = self._parent(path[:-1])
        if place is None:
            return None
        index = self._index(place, path[-1])
        return None if index is None or index not in self.children(place) else (*place, index)

    def children(self, place: Indexes) -> Sequence[int]:
        """Return the indexes of what a workspace, project or pipeline holds; of the workspaces for `()`."""
        if len(place) == 0:
            return range(self.ground.workspaces)
        if len(place) == 1:
            return range(self.ground.projects_in(place[0]))
        if len(place) == 2:
            return range(self.ground.pipelines_in(place[0], place[1], self.night))
        return self._slots(place[0], place[1], place[2])

    def name(self, place: Indexes) -> str | int:
        """Return the last step of the path that leads to a place."""
        if len(place) == 1:
            return workspace_domain(place[0])
        if len(place) == 2:
            return project_name(place[1], self.ground.awkward)
        if len(place) == 3:
            return self.ground.pipeline_id(*place)
        return self.ground.action_id(EntityPath(*place))

    def item(self, place: Indexes) -> JsonObject:
        """Return what stands at a place; an action without its pipeline."""
        if len(place) == 1:
            return self.ground.workspace(place[0])
        if len(place) == 2:
            return self.ground.project(place[0], place[1])
        if len(place) == 3:
            return self.ground.pipeline(place[0], place[1], place[2], self.night)
        return self.ground.action(EntityPath(*place), self.night)

    def _index(self, place: Indexes, name: str | int) -> int | None:
        if isinstance(name, str):
            if len(place) == 0:
                return workspace_index(name)
            return project_index(name, self.ground.awkward) if len(place) == 1 else None
        if len(place) == 2:
            return self.ground.pipeline_index(place[0], place[1], name)
        return self.ground.action_slot(place[0], place[1], place[2], name) if len(place) == 3 else None

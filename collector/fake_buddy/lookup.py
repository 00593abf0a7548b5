"""Find what a path names: from names and ids to the indexes that everything is computed from. Edits are not applied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

from .company import project_index, project_name, workspace_domain, workspace_index
from .edits import Path
from .history import History
from .ids import Ids
from .promotions import JsonObject
from .timeline import ActionIndexes

Indexes = tuple[int, ...]


class Lookup:
    """The world of one night by path: `(workspace, project, pipeline_id, action_id)` or its beginning."""

    def __init__(self, ids: Ids, night: int) -> None:
        self.ids = ids
        self.night = night
        # The actions of a pipeline are requested one after another; their parents are looked up once.
        self.history = History(ids, night)
        self._parent = lru_cache(maxsize=256)(self.find)
        self._slots = lru_cache(maxsize=256)(partial(self.ids.slots_in, night=night))

    def find(self, path: Path) -> Indexes | None:
        """Return the indexes of a path, or None if it names nothing."""
        if not path:
            return ()
        parent = self._parent(path[:-1])
        if parent is None:
            return None
        index = self._index(parent, path[-1])
        return None if index is None or index not in self.children(parent) else (*parent, index)

    def children(self, indexes: Indexes) -> Sequence[int]:
        """Return the indexes of the children of a workspace, project or pipeline; of `()`, those of the workspaces."""
        if len(indexes) == 0:
            return range(self.ids.workspaces)
        if len(indexes) == 1:
            return range(self.ids.projects_in(indexes[0]))
        if len(indexes) == 2:
            return range(self.ids.pipelines_in(indexes[0], indexes[1], self.night))
        return self._slots(indexes[0], indexes[1], indexes[2])

    def name(self, indexes: Indexes) -> str | int:
        """Return the last step of the path to an item."""
        if len(indexes) == 1:
            return workspace_domain(indexes[0])
        if len(indexes) == 2:
            return project_name(indexes[1], self.ids.awkward)
        if len(indexes) == 3:
            return self.ids.pipeline_id(*indexes)
        return self.ids.action_id(ActionIndexes(*indexes))

    def item(self, indexes: Indexes) -> JsonObject:
        """Return the item at these indexes; an action without its `pipeline`."""
        if len(indexes) == 1:
            return self.ids.workspace(indexes[0])
        if len(indexes) == 2:
            return self.ids.project(indexes[0], indexes[1])
        if len(indexes) == 3:
            pipeline = (indexes[0], indexes[1], indexes[2])
            return self.ids.pipeline(*pipeline, self.history.last_of_pipeline(pipeline))
        action = ActionIndexes(*indexes)
        return self.ids.action(action, self.night, self.history.last_of_action(action))

    def _index(self, indexes: Indexes, name: str | int) -> int | None:
        if isinstance(name, str):
            if len(indexes) == 0:
                return workspace_index(name)
            return project_index(name, self.ids.awkward) if len(indexes) == 1 else None
        if len(indexes) == 2:
            return self.ids.pipeline_index(indexes[0], indexes[1], name)
        return self.ids.action_slot(indexes[0], indexes[1], indexes[2], name) if len(indexes) == 3 else None

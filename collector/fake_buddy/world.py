"""A company on Buddy that is computed, not stored: any size, any night, and the same for the same seed.

A page of a list without edits is computed alone, so memory does not grow with the world; a list with edits is computed
completely. The methods return exactly what the server sends; callers must not change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from .actions import PROMOTION, SUMMARY, summary
from .attachments import groups
from .company import projects_by_name, workspace_index
from .edits import EXECUTIONS, Edit, Edits, Path
from .execution_lists import ExecutionLists
from .ids import Ids
from .item_tree import ItemTree
from .lookup import Lookup
from .promotions import JsonObject
from .schedule import FIRST_NIGHT
from .seeded_random import shuffled
from .world_edits import WorldEdits

_KINDS = ("Workspace", "Project", "Pipeline", "Action")


class FakeWorld(WorldEdits):
    """Everything that a fake Buddy serves; sizes are counts per parent. Immutable: an edit returns another world.

    Night 1 is at `first_night`, each other one 24 hours later. A night shows the executions that began before its
    moment, as they stood then; there are 30 days of them before night 1. `dated` moves a world to a client's clock.
    """

    def __init__(
        self,
        seed: int = 1,
        workspaces: int = 1,
        projects: int = 3,
        pipelines: int = 4,
        actions: int = 5,
        promote_share: float = 0.5,
        awkward: bool = True,
        night: int = 1,
        edits: Iterable[Edit] = (),
        api_url: str = "https://api.buddy.works",
        app_url: str = "https://app.buddy.works",
        first_night: datetime = FIRST_NIGHT,
    ) -> None:
        self.ids = Ids(
            seed, workspaces, projects, pipelines, actions, promote_share, awkward, api_url, app_url, first_night
        )
        self.night = night
        self.edits = tuple(edits)
        self._edits = Edits(self.edits, night)
        self._lookup = Lookup(self.ids, night)
        self._tree = ItemTree(self._lookup, self._edits)
        self._executions = ExecutionLists(self.ids, night, self._lookup, self._edits)

    def __repr__(self) -> str:
        return f"FakeWorld({self.ids}, night={self.night}, edits={len(self.edits)})"

    # Nights and edits

    def at(self, night: int) -> FakeWorld:
        """Return the same company on another night."""
        return FakeWorld(**asdict(self.ids), night=night, edits=self.edits)

    def edited(self, *edits: Edit) -> FakeWorld:
        """Return the same company with more edits."""
        return FakeWorld(**asdict(self.ids), night=self.night, edits=self.edits + edits)

    def dated(self, moment: datetime) -> FakeWorld:
        """Return the same company with this night at a moment."""
        ids = {**asdict(self.ids), "first_night": moment - timedelta(days=self.night - 1)}
        return FakeWorld(**ids, night=self.night, edits=self.edits)

    @property
    def moment(self) -> datetime:
        """Return the time at which this night is served."""
        return self.ids.first_night + timedelta(days=self.night - 1)

    # Lists

    def workspaces_list(self) -> list[JsonObject]:
        """Return every workspace."""
        return list(self._tree.children(()))

    def principals(self, workspace: str, kind: str) -> list[JsonObject]:
        """Return the members or the groups of a workspace."""
        index = workspace_index(workspace)
        if index is None:
            raise LookupError(workspace)
        return (
            self._executions.members(index)
            if kind == "members"
            else groups(self.ids.api_url, self.ids.app_url, workspace)
        )

    def projects(self, workspace: str, sort_by: str | None = None, descending: bool = False) -> list[JsonObject]:
        """Return every project of a workspace; without `sort_by` in the server's own order."""
        return self.page((workspace,), sort_by, descending)

    def pipelines(
        self, workspace: str, project: str, sort_by: str | None = None, descending: bool = False
    ) -> list[JsonObject]:
        """Return every pipeline of a project; without `sort_by` in the server's own order."""
        return self.page((workspace, project), sort_by, descending)

    def actions(self, workspace: str, project: str, pipeline_id: int, carry_ends: bool = False) -> list[JsonObject]:
        """Return a pipeline's actions as its list shows them; promotions in full if the list carries their ends."""
        parent: Path = (workspace, project, pipeline_id)
        pipeline = self.item(parent)
        found = []
        for path, detailed in self._tree.children_by_path(parent):
            if carry_ends and detailed["type"] == PROMOTION:
                found.append(self._edits.apply(path, {**detailed, "pipeline": pipeline}))
            else:
                found.append(self._edits.apply(path, summary(detailed, self.ids.awkward), SUMMARY))
        return found

    def action(self, workspace: str, project: str, pipeline_id: int, action_id: int) -> JsonObject:
        """Return one action in full; LookupError if there is none."""
        return self.item((workspace, project, pipeline_id, action_id))

    def executions(self, workspace: str, project: str, pipeline_id: int) -> list[JsonObject]:
        """Return every execution of a pipeline as the list shows it, newest first."""
        return self.execution_page((workspace, project, pipeline_id))[0]

    def execution(self, workspace: str, project: str, pipeline_id: int, execution_id: int) -> JsonObject:
        """Return one execution with its elements; LookupError if there is none."""
        return self._executions.item((workspace, project, pipeline_id), execution_id)

    def execution_page(self, pipeline: Path, start: int = 0, size: int | None = None) -> tuple[list[JsonObject], int]:
        """Return a slice of a pipeline's executions, and how many it has."""
        return self._executions.page(pipeline, start, size)

    def page(
        self, parent: Path, sort_by: str | None, descending: bool, start: int = 0, size: int | None = None
    ) -> list[JsonObject]:
        """Return a slice of the projects of `(workspace,)` or the pipelines of `(workspace, project)`."""
        parent_indexes = self._lookup.find(parent) if self._tree.has(parent) else None
        stop = None if size is None else start + size
        if parent_indexes is None or parent in self._edits.touched_parents or (sort_by == "name" and len(parent) == 2):
            return _ordered(list(self._tree.children(parent)), sort_by, descending)[start:stop]
        indexes = self._lookup.children(parent_indexes)
        count = len(indexes)
        order: Sequence[int] = projects_by_name(count, self.ids.awkward) if sort_by == "name" else indexes
        positions = range(start, count if stop is None else min(stop, count))
        if sort_by is None:
            return [self._lookup.item((*parent_indexes, order[shuffled(position, count)])) for position in positions]
        return [
            self._lookup.item((*parent_indexes, order[count - 1 - position if descending else position]))
            for position in positions
        ]

    # Single items

    def exists(self, path: Path) -> bool:
        """Return whether a path, and everything above it, exists on this night."""
        if EXECUTIONS in path[3:]:
            return self._tree.has(path[:3]) and not self._tree.is_removed(path) and self._executions.has(path)
        return self._tree.has(path)

    def refusal(self, path: Path) -> tuple[int, str] | None:
        """Return the status and the message of the error that a path answers with, if any."""
        if self._edits.refused:
            for depth in range(1, len(path) + 1):
                if path[:depth] in self._edits.refused:
                    return self._edits.refused[path[:depth]]
        if self.exists(path):
            return None
        missing = next(depth for depth in range(1, len(path) + 1) if not self.exists(path[:depth]))
        return 404, f"{'Execution' if missing > len(_KINDS) else _KINDS[missing - 1]} not found"

    def item(self, path: Path) -> JsonObject:
        """Return the item at a path as its own GET shows it; LookupError if there is none."""
        return self._tree.item(path)

    def paths(self, parent: Path) -> Iterator[Path]:
        """Yield the paths of a parent's children without computing the items."""
        return self._tree.paths(parent)

    def action_counts(self, pipeline: Path) -> tuple[int, int]:
        """Return how many actions a pipeline has, and how many of them promote."""
        indexes = self._lookup.find(pipeline)
        if self.night == 1 and indexes is not None and pipeline not in self._edits.touched_parents:
            promotions = 0 if self.ids.is_empty(indexes[2]) else self.ids.promotions_in(*indexes)
            return len(self._lookup.children(indexes)), promotions
        workspace, project, pipeline_id = str(pipeline[0]), str(pipeline[1]), int(pipeline[2])
        types = [action.get("type") for action in self.actions(workspace, project, pipeline_id)]
        return len(types), types.count(PROMOTION)

    def count(self) -> dict[str, int]:
        """Return how many workspaces, projects, pipelines, actions and promotions there are on this night."""
        found = dict.fromkeys(("workspaces", "projects", "pipelines", "actions", "promote_image_actions"), 0)
        for workspace in self.paths(()):
            found["workspaces"] += 1
            for project in self.paths(workspace):
                found["projects"] += 1
                for pipeline in self.paths(project):
                    actions, promotions = self.action_counts(pipeline)
                    found["pipelines"] += 1
                    found["actions"] += actions
                    found["promote_image_actions"] += promotions
        return found


def _ordered(items: list[JsonObject], sort_by: str | None, descending: bool) -> list[JsonObject]:
    if sort_by is None:
        return [items[shuffled(position, len(items))] for position in range(len(items))]
    if sort_by == "create_date":  # items arrive in the order of their creation
        return items[::-1] if descending else items
    if sort_by == "id":
        return sorted(items, key=lambda item: int(item["id"]), reverse=descending)
    return sorted(items, key=lambda item: str(item.get("name") or ""), reverse=descending)

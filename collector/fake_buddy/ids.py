"""The arithmetic of the world: which indexes exist on a night, which id belongs to which index, and the items.

Ids are computed from indexes, and indexes from ids. Each pipeline reserves ids for actions that are added on later
nights, and each project for one more pipeline, so an id never changes when the world grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from . import timeline
from .actions import APPROVAL, OTHER_TYPES, PROMOTION, detailed_action
from .company import project_name, workspace_domain
from .pipelines import LastExecution, pipeline_item, project_item, workspace_item
from .promotions import JsonObject
from .seeded_random import SeededRandom
from .timeline import ActionIndexes

_FIRST_PIPELINE_ID, _FIRST_ACTION_ID = 101, 1001
# In an awkward world one of eight siblings is empty; its index is high enough that a small world has none.
_EMPTY_EVERY, _EMPTY_AT = 8, 6


@dataclass(frozen=True)
class Ids:
    """The seed, the sizes per parent, and everything that is computed from them alone."""

    seed: int
    workspaces: int
    projects: int
    pipelines: int
    actions: int
    promote_share: float
    awkward: bool
    api_url: str
    app_url: str
    first_night: datetime

    @property
    def slots(self) -> int:
        """Return how many action ids are reserved for a pipeline."""
        return self.actions + self.spare

    @property
    def spare(self) -> int:
        """Return how many actions can be added to a pipeline."""
        return 2 + self.actions // 4

    # How many there are

    def projects_in(self, workspace: int) -> int:
        """Return how many projects a workspace has; an awkward world's fourth workspace has none."""
        return 0 if self.awkward and workspace % _EMPTY_EVERY == 3 else self.projects

    def pipelines_in(self, workspace: int, project: int, night: int) -> int:
        """Return how many pipelines a project has on a night."""
        if self.awkward and project % _EMPTY_EVERY == _EMPTY_AT:
            return 0
        additional = night > 1 and timeline.has_new_pipeline(self.seed, workspace, project, night)
        return self.pipelines + additional

    def slots_in(self, workspace: int, project: int, pipeline: int, night: int) -> list[int]:
        """Return the slots of a pipeline that hold an action on a night."""
        if self.is_empty(pipeline):
            return []
        if night == 1:
            return list(range(self.actions))
        actions = [ActionIndexes(workspace, project, pipeline, slot) for slot in range(self.actions)]
        last = self._last_promotion(actions[-1]) if actions and project == 0 else -1
        present = [action.slot for action in actions if not timeline.is_absent(self.seed, action, night, last)]
        added = timeline.added_actions(self.seed, ActionIndexes(workspace, project, pipeline, -1), night, self.spare)
        return present + list(range(self.actions, self.actions + added))

    def is_empty(self, pipeline: int) -> bool:
        """Return whether the n-th pipeline of a project has no actions."""
        return self.awkward and pipeline % _EMPTY_EVERY == _EMPTY_AT

    # Ids and indexes

    def pipeline_id(self, workspace: int, project: int, pipeline: int) -> int:
        """Return the id of a pipeline."""
        return _FIRST_PIPELINE_ID + self._ordinal(workspace, project, pipeline)

    def pipeline_index(self, workspace: int, project: int, pipeline_id: int) -> int:
        """Return the index of a pipeline in its project; out of range if the id belongs to another project."""
        return pipeline_id - self.pipeline_id(workspace, project, 0)

    def action_id(self, action: ActionIndexes) -> int:
        """Return the id of an action."""
        return (
            _FIRST_ACTION_ID
            + self._ordinal(action.workspace, action.project, action.pipeline) * self.slots
            + action.slot
        )

    def action_slot(self, workspace: int, project: int, pipeline: int, action_id: int) -> int:
        """Return the slot of an action in its pipeline; out of range if the id belongs to another project."""
        return action_id - self.action_id(ActionIndexes(workspace, project, pipeline, 0))

    def _ordinal(self, workspace: int, project: int, pipeline: int) -> int:
        return (workspace * self.projects + project) * (self.pipelines + 1) + pipeline

    # Which actions promote

    def is_promotion(self, action: ActionIndexes) -> bool:
        """Return whether an action promotes an image; the share is spread evenly, and added actions always do."""
        if action.slot >= self.actions:
            return self.promote_share > 0
        first = self._ordinal(action.workspace, action.project, action.pipeline) * self.actions
        return self._promotions_before(first + action.slot + 1) > self._promotions_before(first + action.slot)

    def action_type(self, action: ActionIndexes) -> str:
        """Return the type of an action; some promotions have an approval directly before them."""
        if self.is_promotion(action):
            return PROMOTION
        rng = SeededRandom(self.seed, "type", *action)
        drawn = rng.choice(OTHER_TYPES)
        before_promotion = action.slot + 1 < self.actions and self.is_promotion(action._replace(slot=action.slot + 1))
        return APPROVAL if before_promotion and rng.one_in(4) else drawn

    def promotions_in(self, workspace: int, project: int, pipeline: int) -> int:
        """Return how many of a pipeline's actions promote on the first night, without computing them."""
        first = self._ordinal(workspace, project, pipeline) * self.actions
        return self._promotions_before(first + self.actions) - self._promotions_before(first)

    def _promotions_before(self, ordinal: int) -> int:
        return ordinal * round(self.promote_share * 1000) // 1000

    def _first_promotion(self, action: ActionIndexes) -> int:
        slots = (slot for slot in range(self.actions) if self.is_promotion(action._replace(slot=slot)))
        return next(slots, -1)

    def _last_promotion(self, action: ActionIndexes) -> int:
        slots = (slot for slot in range(self.actions - 1, -1, -1) if self.is_promotion(action._replace(slot=slot)))
        return next(slots, -1)

    # The items

    def workspace(self, index: int) -> JsonObject:
        """Return a workspace as its list shows it."""
        return workspace_item(index, workspace_domain(index), self.api_url, self.app_url, self.awkward)

    def project(self, workspace: int, index: int) -> JsonObject:
        """Return a project as its list shows it."""
        name = project_name(index, self.awkward)
        return project_item(index, name, *self.project_urls(workspace, index), self.awkward)

    def pipeline(self, workspace: int, project: int, index: int, last: LastExecution) -> JsonObject:
        """Return a pipeline as its list shows it."""
        pipeline_id = self.pipeline_id(workspace, project, index)
        api, app = self.project_urls(workspace, project)
        return pipeline_item(
            self.seed,
            pipeline_id,
            index,
            f"{workspace}.{project}.{index}",
            last,
            f"{api}/pipelines/{pipeline_id}",
            f"{app}/pipelines/pipeline/{pipeline_id}",
            self.awkward,
        )

    def action(self, action: ActionIndexes, night: int, last: LastExecution) -> JsonObject:
        """Return an action in full, without its `pipeline`."""
        action_id = self.action_id(action)
        name = project_name(action.project, self.awkward)
        api, app = self.project_urls(action.workspace, action.project)
        pipeline_id = self.pipeline_id(action.workspace, action.project, action.pipeline)
        return detailed_action(
            self.seed,
            str(action),
            name,
            workspace_domain(action.workspace),
            action_id=action_id,
            slot=action.slot,
            kind=self.action_type(action),
            urls=(
                f"{api}/pipelines/{pipeline_id}/actions/{action_id}",
                f"{app}/pipelines/pipeline/{pipeline_id}/action/{action_id}/edit",
            ),
            versions=self._versions(action, night),
            last=last,
            awkward=self.awkward,
        )

    def _versions(self, action: ActionIndexes, night: int) -> dict[str, int]:
        if night == 1:
            # Nothing has changed on the first night; skipping the hashes halves the cost.
            return _UNCHANGED
        # Only the first pipeline of a workspace has fixed changes, and they need its first promotion.
        first = self._first_promotion(action) if action.project == action.pipeline == 0 else -1
        return timeline.versions(self.seed, action, night, first)

    def project_urls(self, workspace: int, project: int) -> tuple[str, str]:
        """Return the addresses of a project in the API and in the web interface."""
        domain, slug = workspace_domain(workspace), quote(project_name(project, self.awkward), safe="")
        return f"{self.api_url}/workspaces/{domain}/projects/{slug}", f"{self.app_url}/{domain}/{slug}"


_UNCHANGED = dict.fromkeys(timeline.ASPECTS, 0)

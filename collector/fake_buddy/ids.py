"""The arithmetic beneath the world: which indexes exist on a night, which id stands for which, what is there.

Every id is computed from indexes and read back by division. Each pipeline keeps spare slots for actions that
come on later nights, and each project one for a late pipeline, so ids never move when the world grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from . import timeline
from .actions import OTHER_TYPES, PROMOTION, detailed_action
from .company import project_name, workspace_domain
from .pipelines import pipeline_item, project_item, workspace_item
from .promotions import JsonObject
from .seeded_random import SeededRandom
from .timeline import EntityPath

_FIRST_PIPELINE_ID, _FIRST_ACTION_ID = 101, 1001
# Among eight siblings of an awkward world one stands empty, far enough that a small world has none.
_EMPTY_EVERY, _EMPTY_AT = 8, 6


@dataclass(frozen=True)
class Ids:
    """The seed, the sizes per parent, and all that follows from them alone."""

    seed: int
    workspaces: int
    projects: int
    pipelines: int
    actions: int
    promote_share: float
    awkward: bool
    api_url: str
    app_url: str

    @property
    def slots(self) -> int:
        """Return how many actions a pipeline can ever hold."""
        return self.actions + self.spare

    @property
    def spare(self) -> int:
        """Return how many actions a pipeline can gain."""
        return 2 + self.actions // 4

    # How many there are

    def projects_in(self, workspace: int) -> int:
        """Return how many projects a workspace has; an awkward world's fourth workspace has none."""
        return 0 if self.awkward and workspace % _EMPTY_EVERY == 3 else self.projects

    def pipelines_in(self, workspace: int, project: int, night: int) -> int:
        """Return how many pipelines a project has on a night."""
        if self.awkward and project % _EMPTY_EVERY == _EMPTY_AT:
            return 0
        late = night > 1 and timeline.has_new_pipeline(self.seed, workspace, project, night)
        return self.pipelines + late

    def slots_in(self, workspace: int, project: int, pipeline: int, night: int) -> list[int]:
        """Return the slots of a pipeline that hold an action on a night."""
        if self.is_empty(pipeline):
            return []
        if night == 1:
            return list(range(self.actions))
        places = [EntityPath(workspace, project, pipeline, slot) for slot in range(self.actions)]
        last = self._last_promotion(places[-1]) if places and project == 0 else -1
        there = [place.slot for place in places if not timeline.is_away(self.seed, place, night, last)]
        gained = timeline.newcomers(self.seed, EntityPath(workspace, project, pipeline, -1), night, self.spare)
        return there + list(range(self.actions, self.actions + gained))

    def is_empty(self, pipeline: int) -> bool:
        """Say whether the n-th pipeline of a project is one without actions."""
        return self.awkward and pipeline % _EMPTY_EVERY == _EMPTY_AT

    # Ids and indexes

    def pipeline_id(self, workspace: int, project: int, pipeline: int) -> int:
        """Return the id of a pipeline."""
        return _FIRST_PIPELINE_ID + self._ordinal(workspace, project, pipeline)

    def pipeline_index(self, workspace: int, project: int, pipeline_id: int) -> int:
        """Return the index of a pipeline in its project; outside of its range where it is another's."""
        return pipeline_id - self.pipeline_id(workspace, project, 0)

    def action_id(self, place: EntityPath) -> int:
        """Return the id of an action."""
        return (
            _FIRST_ACTION_ID + self._ordinal(place.workspace, place.project, place.pipeline) * self.slots + place.slot
        )

    def action_slot(self, workspace: int, project: int, pipeline: int, action_id: int) -> int:
        """Return the slot of an action in its pipeline; outside of its range where it is another's."""
        return action_id - self.action_id(EntityPath(workspace, project, pipeline, 0))

    def _ordinal(self, workspace: int, project: int, pipeline: int) -> int:
        return (workspace * self.projects + project) * (self.pipelines + 1) + pipeline

    # Which actions promote

    def is_promotion(self, place: EntityPath) -> bool:
        """Say whether an action promotes an image; the share is spread evenly, newcomers always do."""
        if place.slot >= self.actions:
            return self.promote_share > 0
        first = self._ordinal(place.workspace, place.project, place.pipeline) * self.actions
        return self._promotions_before(first + place.slot + 1) > self._promotions_before(first + place.slot)

    def promotions_in(self, workspace: int, project: int, pipeline: int) -> int:
        """Return how many of a pipeline's actions promote on the first night, by arithmetic alone."""
        first = self._ordinal(workspace, project, pipeline) * self.actions
        return self._promotions_before(first + self.actions) - self._promotions_before(first)

    def _promotions_before(self, ordinal: int) -> int:
        return ordinal * round(self.promote_share * 1000) // 1000

    def _first_promotion(self, place: EntityPath) -> int:
        slots = (slot for slot in range(self.actions) if self.is_promotion(_at(place, slot)))
        return next(slots, -1)

    def _last_promotion(self, place: EntityPath) -> int:
        slots = (slot for slot in range(self.actions - 1, -1, -1) if self.is_promotion(_at(place, slot)))
        return next(slots, -1)

    # What is there

    def workspace(self, index: int) -> JsonObject:
        """Return a workspace of the list."""
        return workspace_item(index, workspace_domain(index), self.api_url, self.app_url, self.awkward)

    def project(self, workspace: int, index: int) -> JsonObject:
        """Return a project of the list."""
        name = project_name(index, self.awkward)
        return project_item(index, name, *self._project_urls(workspace, name), self.awkward)

    def pipeline(self, workspace: int, project: int, index: int, night: int) -> JsonObject:
        """Return a pipeline of the list."""
        pipeline_id = self.pipeline_id(workspace, project, index)
        api, app = self._project_urls(workspace, project_name(project, self.awkward))
        place = EntityPath(workspace, project, index, -1)
        return pipeline_item(
            self.seed,
            pipeline_id,
            index,
            f"{workspace}.{project}.{index}",
            timeline.executions(self.seed, place, night),
            f"{api}/pipelines/{pipeline_id}",
            f"{app}/pipelines/pipeline/{pipeline_id}",
            self.awkward,
        )

    def action(self, place: EntityPath, night: int) -> JsonObject:
        """Return a whole action but for its pipeline."""
        action_id = self.action_id(place)
        name = project_name(place.project, self.awkward)
        api, app = self._project_urls(place.workspace, name)
        pipeline_id = self.pipeline_id(place.workspace, place.project, place.pipeline)
        return detailed_action(
            self.seed,
            str(place),
            name,
            workspace_domain(place.workspace),
            action_id=action_id,
            slot=place.slot,
            kind=PROMOTION if self.is_promotion(place) else SeededRandom(self.seed, "type", *place).of(OTHER_TYPES),
            urls=(
                f"{api}/pipelines/{pipeline_id}/actions/{action_id}",
                f"{app}/pipelines/pipeline/{pipeline_id}/action/{action_id}/edit",
            ),
            versions=self._versions(place, night),
            awkward=self.awkward,
        )

    def _versions(self, place: EntityPath, night: int) -> dict[str, int]:
        if night == 1:
            # Nothing has changed by the first night; skipping the hashes makes it half as dear.
            return _UNCHANGED
        # Only the first pipeline of all has pinned changes, which need to know its first promotion.
        first = self._first_promotion(place) if place.project == place.pipeline == 0 else -1
        return timeline.versions(self.seed, place, night, first)

    def _project_urls(self, workspace: int, name: str) -> tuple[str, str]:
        domain, slug = workspace_domain(workspace), quote(name, safe="")
        return f"{self.api_url}/workspaces/{domain}/projects/{slug}", f"{self.app_url}/{domain}/{slug}"


_UNCHANGED = dict.fromkeys((*timeline.ASPECTS, "execution"), 0)


def _at(place: EntityPath, slot: int) -> EntityPath:
    return EntityPath(place.workspace, place.project, place.pipeline, slot)

"""One execution as Buddy shows it: short in a list, with its elements by its own GET."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from .company import FIRST_MEMBER_ID, PEOPLE, is_awkward, workspace_domain
from .edge_cases import EXECUTION_EDGE_CASES, make_execution_awkward
from .elements import Elements, shown
from .history import History, PastExecution
from .ids import Ids
from .pipelines import timestamp
from .promotions import JsonObject
from .revisions import MAIN, PREVIEW, RevisionKey, branch, branch_name, revision
from .schedule import PipelineIndexes
from .seeded_random import SeededRandom
from .timeline import ActionIndexes


class ExecutionViews:
    """The executions of one night as JSON."""

    def __init__(self, ids: Ids, history: History) -> None:
        self._ids = ids
        self._history = history
        self._elements = Elements(ids, history)
        # The revision to which one execution led is that from which the next one begins.
        self._revision = lru_cache(maxsize=256)(self._compute_revision)

    def short(self, pipeline: PipelineIndexes, number: int, execution_id: int, first: bool) -> JsonObject:
        """Return an execution as the list shows it; the first of a pipeline has no revision that it began from."""
        seed = self._ids.seed
        execution = self._history.execution(pipeline, number)
        key = self._history.revision(pipeline, number)
        rng = SeededRandom(seed, "execution", *pipeline, number)
        rolled_back = execution.chapter == "rollback" and self._history.rollback(pipeline, number) is not None
        found: JsonObject = {
            **self.urls(pipeline, execution_id, rng.hex(24)),
            "id": execution_id,
            **self._times(execution, number),
            "triggeredOn": _trigger(execution, rng),
            "priority": rng.choice(("NORMAL", "NORMAL", "NORMAL", "HIGH", "LOW")),
            "refresh": rng.one_in(9),
            "status": execution.course.status,
            "comment": _comment(execution, rolled_back, rng),
            **self._source(pipeline, execution, key, number),
            "to_revision": self._revision(pipeline[0], pipeline[1], key),
            "creator": self.member(pipeline[0], rng.below(len(PEOPLE))),
        }
        if not first:
            before = self._history.revision(pipeline, number - 1)
            found["from_revision"] = self._revision(pipeline[0], pipeline[1], before)
        if found["triggeredOn"] == "SCHEDULE" or rng.one_in(12):
            found["creator"] = None
        if self._ids.awkward and is_awkward(number + rng.below(8)):
            make_execution_awkward(found, rng.choice(EXECUTION_EDGE_CASES))
        return found

    def detail(self, pipeline: PipelineIndexes, number: int, execution_id: int, first: bool) -> JsonObject:
        """Return an execution in full."""
        short = self.short(pipeline, number, execution_id, first)
        return {**short, "action_executions": self._elements.of(pipeline, number)}

    def shown(self, action: ActionIndexes, night: int) -> JsonObject:
        """Return an action as an element shows it."""
        return shown(self._elements.action(action, night))

    def urls(self, pipeline: PipelineIndexes, execution_id: int, hex_id: str) -> JsonObject:
        """Return the addresses of an execution; the web interface has an id of its own."""
        api, app = self._ids.project_urls(pipeline[0], pipeline[1])
        pipeline_id = self._ids.pipeline_id(*pipeline)
        return {
            "url": f"{api}/pipelines/{pipeline_id}/executions/{execution_id}",
            "html_url": f"{app}/pipelines/pipeline/{pipeline_id}/execution/{hex_id}",
        }

    def member(self, workspace: int, person: int) -> JsonObject:
        """Return a person of the company as a member of a workspace."""
        domain, (name, email) = workspace_domain(workspace), PEOPLE[person]
        member_id = FIRST_MEMBER_ID + person
        return {
            "url": f"{self._ids.api_url}/workspaces/{domain}/members/{member_id}",
            "html_url": f"{self._ids.app_url}/{domain}/profile/{member_id}",
            "id": member_id,
            "name": name,
            "avatar_url": f"{self._ids.app_url}/image-server/user/0/0/0/{member_id}.png",
            "email": email,
            "admin": person == 0,
            "workspace_owner": person == 0,
        }

    def _times(self, execution: PastExecution, number: int) -> JsonObject:
        now = execution.course
        began = timestamp(self._ids.first_night + timedelta(minutes=now.begun), number)
        if now.finished is None:
            return {"start_date": began, "finish_date": None}
        return {
            "start_date": began,
            "finish_date": timestamp(self._ids.first_night + timedelta(minutes=now.finished), number + 1),
        }

    def _source(self, pipeline: PipelineIndexes, execution: PastExecution, key: RevisionKey, number: int) -> JsonObject:
        """Return the branch, the tag or the pull request that an execution was started for; the others are null."""
        seed, (workspace, project, _) = self._ids.seed, pipeline
        urls = self._ids.project_urls(workspace, project)
        found: JsonObject = {"branch": None, "tag": None, "pull_request": None}
        rng = SeededRandom(seed, "source", *pipeline, number)
        name = branch_name(seed, workspace, project, key)
        if key[0] == PREVIEW and rng.one_in(2):
            pull_request = 100 + key[2]
            found["pull_request"] = {
                "url": f"{urls[0]}/pull-requests/{pull_request}",
                "html_url": f"{urls[1]}/pull-requests/{pull_request}",
                "number": pull_request,
                "name": f"{name} → main",
                "head_branch": name,
                "base_branch": "main",
            }
        elif key[0] == MAIN and execution.stage == "production" and rng.one_in(4):
            tag = f"v1.{key[1]}.0"
            found["tag"] = {
                "url": f"{urls[0]}/repository/tags/{tag}",
                "html_url": f"{urls[1]}/repository/tag/{tag}",
                "name": tag,
            }
        else:
            found["branch"] = branch(name, urls)
        return found

    def _compute_revision(self, workspace: int, project: int, key: RevisionKey) -> JsonObject:
        urls = self._ids.project_urls(workspace, project)
        return revision(self._ids.seed, workspace, project, key, urls, self._ids.first_night)


def _trigger(execution: PastExecution, rng: SeededRandom) -> str:
    if execution.reason == "nightly":
        return "SCHEDULE"
    drawn = rng.choice(("EVENT", "EVENT", "CLICK"))
    return "CLICK" if execution.stage == "production" and execution.chapter != "release" else drawn


def _comment(execution: PastExecution, rolled_back: bool, rng: SeededRandom) -> str:
    if rolled_back:
        return "Rollback: errors after the last release"
    if execution.chapter == "hotfix":
        return "hotfix"
    return rng.choice(("", "", "", "Release of the week", 'as agreed with "ops"; see #42'))

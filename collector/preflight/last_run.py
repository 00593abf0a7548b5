"""What the last published run says about the next one: what there is to ask, how old it is, and how fast it goes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.records import ExecutionHistory, Key
from collector.crawl.refresh_plan import RefreshPlan
from collector.errors import CollectorError
from collector.lake.lake import Lake
from collector.preflight.forecast import RunCost
from collector.preflight.pipeline_costs import PipelineCost
from collector.query.answer import Answer
from collector.query.reader import open_lake
from collector.query.sql_files import read_folder, sql_folder
from collector.run.execution_plans import execution_plans
from collector.run.refresh_plans import refresh_plans
from collector.settings.declarations import Settings
from collector.settings.lake_place import LakePlace

Rows = list[dict[str, Any]]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LastRun:
    """The last run of one installation, as a run that begins `now` sees it; everything is empty without one.

    The rows are those of sql/plan. `newest` is what a run costs, `largest` what the largest of the last runs cost.
    Times are naive UTC, as the lake holds them.
    """

    now: datetime
    began_at: datetime
    workspaces: Rows = field(default_factory=list)
    projects: Rows = field(default_factory=list)
    pipelines: Rows = field(default_factory=list)
    newest: RunCost | None = None
    largest: RunCost | None = None
    histories: Mapping[Key, ExecutionHistory] = field(default_factory=dict)
    refresh: RefreshPlan | None = None

    def pipeline_cost(self, row: Mapping[str, Any], *, with_executions: bool) -> PipelineCost:
        """Return what it costs to ask for the pipeline of a row of `pipelines`."""
        key = _key(row)
        known = self.refresh.known.get(key) if self.refresh else None
        read_at = known.read_at if known and known.read_at else self.began_at
        cost = PipelineCost.of(row, self.histories.get(key), read_at, self.now)
        return cost if with_executions else replace(cost, has_executions=False)

    def asked_share(self, row: Mapping[str, Any], cost: PipelineCost) -> float:
        """Return how probable it is that the run asks for the pipeline of a row: 1 if it is due."""
        if self.refresh is None or cost.unended or self.refresh.is_due_in_time(_key(row)):
            return 1.0
        return min(1.0, cost.changes_per_day * max(0.0, (self.now - self.began_at) / _DAY))

    def cost(self, requests: int) -> RunCost | None:
        """Return the cost of a run of so many requests, at the speed of a run that was about as large."""
        like = self.newest
        if self.largest is not None and (like is None or requests > like.requests):
            like = self.largest
        if like is None or not like.requests:
            return None
        share = requests / like.requests
        return RunCost(requests, like.seconds * share, like.paused_seconds * share)


def last_runs(settings: Settings, now: datetime) -> dict[str, LastRun]:
    """Return the last run of each installation; what of the lake cannot be read is left out."""
    moment = now.astimezone(UTC).replace(tzinfo=None)
    answers = {name: _answer(settings.lake, name) for name in ("workspaces", "projects", "pipelines", "last_costs")}
    executions, refresh = _crawl_plans(settings, now)
    run = next((answer.run for answer in answers.values() if answer and answer.run), None)
    began_at = run.started_at.astimezone(UTC).replace(tzinfo=None) if run else moment
    rows = {name: list(answer.table.to_pylist()) if answer else [] for name, answer in answers.items()}

    def of(installation: str, name: str) -> Rows:
        return [row for row in rows[name] if row["installation"] == installation]

    return {
        name: LastRun(
            moment,
            began_at,
            of(name, "workspaces"),
            of(name, "projects"),
            of(name, "pipelines"),
            next((_cost(row, "requests", "seconds", "paused_seconds") for row in of(name, "last_costs")), None),
            next((_cost(row, "most_requests", "most_seconds", "most_paused") for row in of(name, "last_costs")), None),
            executions[name].histories if name in executions else {},
            refresh.get(name),
        )
        for name in (each.name for each in settings.installations)
    }


def _crawl_plans(settings: Settings, now: datetime) -> tuple[Mapping[str, ExecutionPlan], Mapping[str, RefreshPlan]]:
    with suppress(CollectorError):
        lake = Lake.open(settings.lake)
        executions = execution_plans(lake, settings, now)
        return executions, refresh_plans(lake, settings, now, executions)
    return {}, {}


def _answer(lake: LakePlace, name: str) -> Answer | None:
    with suppress(CollectorError):
        return open_lake(lake).answer(read_folder(sql_folder() / "plan")[name])
    return None


def _cost(row: Mapping[str, Any], *names: str) -> RunCost:
    requests, seconds, paused_seconds = (row[name] for name in names)
    return RunCost(requests, seconds, paused_seconds or 0.0)


def _key(row: Mapping[str, Any]) -> Key:
    return Key(row["installation"], row["workspace"], row["project"], row["pipeline_id"])

"""Lakes for the report: collected from the fake Buddy in this process, or made-up answers without a lake."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.manifest import RunEntry
from collector.query.answer import Answer
from collector.query.reader import LakeReader
from collector.report.findings import FINDINGS
from collector.run.collect import collect
from collector.run.context import RunContext
from collector.run.progress import RunSnapshot
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

FIRST_RUN = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
ATTACK = "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"
NOT_AN_ADDRESS = "javascript:window.hurt=3//https://app.buddy.works"


class SilentObserver:
    """An observer that ignores everything."""

    def watch(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Ignore the run."""

    def event(self, fact: object) -> None:
        """Ignore the event."""


def lake_of(path: Path, worlds: Sequence[FakeWorld]) -> Path:
    """Collect one run from each world, and return the lake."""
    with FakeBuddy(worlds[0]) as buddy:
        us = Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0, reserve=0)
        for number, world in enumerate(worlds):
            buddy.world = world.at(night=number + 1)
            began = FIRST_RUN + timedelta(days=number)
            context = RunContext(_stopped_clock(began), random.Random(number), SilentObserver(), asyncio.Event())
            # The catalog is not needed, and takes a third of the time of so small a run.
            with patch("collector.query.catalog.build"):
                asyncio.run(collect(Settings((us,), path), context))
    return path


def hostile_world() -> FakeWorld:
    """Return a small company whose names, addresses and images attack the page; its second run is partial."""
    world = FakeWorld(seed=3, workspaces=1, projects=3, pipelines=2, actions=6, promote_share=0.9)
    for number, action in enumerate(_promotions(world)):
        world = world.change(*action, name=f"{ATTACK} {number}")
        if number % 2:
            world = world.change(*action, html_url=NOT_AN_ADDRESS)
        item = world.item(action)
        world = world.change(*action, dest={**item["dest"], "image": f"acme/{ATTACK}", "tag": "production"})
    return world.forbid("acme", "web-shop", from_night=2)


def _promotions(world: FakeWorld) -> list[tuple[Any, ...]]:
    return [
        action
        for project in world.paths(("acme",))
        for pipeline in world.paths(project)
        for action in world.paths(pipeline)
        if world.item(action)["type"] == "PROMOTE_IMAGE" and "dest" in world.item(action)
    ]


def _stopped_clock(moment: datetime) -> Any:
    return lambda: moment


class MadeUpLake(LakeReader):
    """Answers every question of the report with one row for each action, and records what was asked."""

    def __init__(self, *, actions: int, runs: int) -> None:
        self.actions, self.runs = actions, runs
        self.asked: list[tuple[str, str, Mapping[str, object]]] = []
        self.wanted: list[str] = []
        self._columns = {question: finding.columns for question, finding in FINDINGS.items()} | {
            "what_changed": ("change", "column_name", "difference"),
            "releases": (
                "released_at",
                "execution_id",
                "image",
                "environment",
                "destination",
                "revision",
                "released_by",
                "approved_by",
                "known_from",
            ),
            "in_production": (
                "destination",
                "finding",
                "revision",
                "since",
                "released_by",
                "approved_by",
                "certain",
                "executions_coverage",
                "known_from",
            ),
            "failed_releases": (*FINDINGS["failed_releases"].columns, "execution_id", "image", "environment"),
            "rollbacks": (*FINDINGS["rollbacks"].columns, "execution_id"),
            "problems_last_night": ("severity", "kind", "http_status", "message", "request_path", "attempts"),
            "coverage_last_night": ("level", "coverage", "things", "name", "why"),
            "promotion_map": (
                *("source", "source_environment", "source_has_variable"),
                *("destination", "destination_environment", "destination_has_variable"),
                *("disabled", "last_execution_status"),
            ),
        }

    def ask_all(self, asked: Mapping[str, Mapping[str, object]], *, run: str = "latest") -> dict[str, Answer]:
        """Return made-up answers."""
        return {question: self.ask(question, run, **parameters) for question, parameters in asked.items()}

    def ask(self, question: str, run: str = "latest", **parameters: object) -> Answer:
        """Return a made-up answer."""
        self.asked.append((question, run, parameters))
        return Answer(self._runs() if question == "nights" else self._rows(question), self._newest())

    def run(self, wanted: str = "latest") -> RunEntry:
        """Return the newest run, and record which one was wanted."""
        self.wanted.append(wanted)
        return self._newest()

    def _newest(self) -> RunEntry:
        newest = FIRST_RUN + timedelta(days=self.runs - 1)
        return RunEntry(
            run_id=f"{newest:%Y%m%dT%H%M%SZ}-000000",
            run_date=newest.date(),
            status="complete",
            started_at=newest,
            finished_at=newest,
            collector_version="0.1.0",
        )

    def _rows(self, question: str) -> pa.Table:
        return pa.Table.from_pylist([self._row(question, number) for number in range(self.actions)])

    def _row(self, question: str, number: int) -> dict[str, Any]:
        project, pipeline = f"project-{number // 40:03}", 100 + number // 4
        row: dict[str, Any] = {
            "installation": "us",
            "workspace": "a-company-of-some-size",
            "project": project,
            "pipeline": f"Release {project} to the clusters in Europe",
            "action": f"Promote {project} from staging to production number {number}",
            "html_url": "https://app.buddy.works/a-company-of-some-size/"
            f"{project}/pipelines/pipeline/{pipeline}/action/{10_000 + number}/edit",
            "pipeline_id": pipeline,
            "action_id": 10_000 + number,
        }
        numbers = ("attempts", "http_status", "things", "promotions", "sources", "nights", "worst_wait")
        for name in self._columns[question]:
            if name.endswith(("_at", "since", "_from")):
                began = FIRST_RUN.replace(tzinfo=None) + timedelta(days=self.runs - 1)
                row[name] = began - timedelta(hours=1 + number % 500)
            elif name in numbers or name.startswith(("retry", "failed")) or name == "execution_id":
                row[name] = number % 7
            elif name.endswith("_has_variable") or name == "disabled":
                row[name] = number % 9 == 0
            else:
                row[name] = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{name}/{project}:{number}"
        return row | ({"level": "action", "coverage": "failed"} if question == "coverage_last_night" else {})

    def _runs(self) -> pa.Table:
        counts = ("promotions", "failing", "added", "changed", "changed_fields", "removed", "returned", "ran",
                  "not_seen", "problems", "requests", "retries", "refusals")  # fmt: skip
        rows = []
        for number in range(self.runs):
            began = FIRST_RUN.replace(tzinfo=None) + timedelta(days=number)
            status = "partial" if number % 30 == 7 else "complete"
            row = {"run_id": f"{began:%Y%m%dT%H%M%SZ}-000000", "run_date": date(2026, 1, 1), "status": status}
            row |= {"started_at": began, "duration_seconds": 60.0, "carried": 1_200, "oldest_read_at": began}
            rows.append(row | dict.fromkeys(counts, 2_000))
        return pa.Table.from_pylist(rows)

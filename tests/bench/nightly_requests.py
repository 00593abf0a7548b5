"""Requests of each night with and without --refresh, and how old an edit is when it is seen."""

import random
from collections import Counter
from datetime import timedelta
from statistics import mean, median
from typing import Any

from collector.buddy.requests import Request
from tests.bench.report import Goal, Table
from tests.bench.scale import Nights
from tests.crawl.model_buddy import ModelBuddy, action
from tests.crawl.model_runs import FIRST, NIGHT, ModelRuns

PROMOTIONS = 3
RUN_SHARE, EDITED_SHARE = 0.02, 0.005  # of the pipelines, and of the actions, each night
COLUMNS = ("refresh", "requests, first night", "mean of the others", "most", "age of an edit, median", "most old")


class Estate(ModelBuddy):
    """An estate in which each night some pipelines run, which their list shows, and some actions are edited.

    `edited_at` holds, by action, the moments of the edits that no run has seen.
    """

    def __init__(self, nights: Nights) -> None:
        ids = iter(range(1, 10**9))
        pipelines = {
            f"p{project:03}": {
                next(ids): [action(next(ids)) for _ in range(PROMOTIONS)] for _ in range(nights.pipelines)
            }
            for project in range(nights.projects)
        }
        super().__init__({"w0": pipelines})
        self.edited_at: dict[int, list[Any]] = {}
        self._revisions: Counter[int] = Counter()
        self._rng = random.Random(7)
        self.edit = self._with_revision

    def _with_revision(self, request: Request, document: dict[str, Any]) -> None:
        for each in document.get("pipelines", ()):
            each["last_execution_revision"] = str(self._revisions[each["id"]])

    def live(self, until: Any) -> None:
        """Let a day pass: pipelines run, and actions are edited at any hour."""
        pipelines = [number for project in self.tree["w0"].values() for number in project]
        actions = [each for project in self.tree["w0"].values() for held in project.values() for each in held]
        self._revisions.update(self._rng.sample(pipelines, max(1, round(RUN_SHARE * len(pipelines)))))
        for each in self._rng.sample(actions, max(1, round(EDITED_SHARE * len(actions)))):
            each["name"] += "+"
            self.edited_at.setdefault(each["id"], []).append(until - self._rng.random() * NIGHT)


def table(nights: Nights, dlt: int | None) -> tuple[Table, Goal]:
    """Return the requests with each refresh, and those of dlt, which asks for everything every night."""
    rows, means = [], {}
    for days in (0, 3, 7):
        estate = Estate(nights)
        runs = ModelRuns(estate, refresh=days * NIGHT)
        ages: list[timedelta] = []
        for number in range(nights.nights):
            start = FIRST + number * NIGHT
            if number:
                estate.live(start)
            run = runs.run(start)
            read = {each.action_id for each in run.asked if each.action_id is not None}
            for each in read & estate.edited_at.keys():
                ages += (start - moment for moment in estate.edited_at.pop(each))
        first, *others = (len(run.asked) for run in runs.runs)
        means[days] = mean(others)
        old = [age / NIGHT for age in ages]
        requests = (f"{first:,}", f"{mean(others):,.0f}", f"{max(others):,}")
        rows.append((f"{days}d" if days else "0", *requests, f"{median(old):.1f} d", f"{max(old):.1f} d"))
    if dlt is not None:
        rows.append(("dlt", f"{dlt:,}", f"{dlt:,}", f"{dlt:,}", "", ""))
    share = means[7] / means[0]
    return Table(COLUMNS, rows), Goal(
        "requests with --refresh 7d, of a full run's", "≤ 1/3", f"{share:.2f}", share <= 1 / 3
    )

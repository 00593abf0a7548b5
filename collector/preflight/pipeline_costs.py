"""What it costs to ask for a pipeline, by its last reading, and what runs cost that ask for all or for some. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from collector.crawl.records import ExecutionHistory

_DAY = timedelta(days=1)
# Executions per day are counted over the last week of which all are known, if that is not too short to tell.
_WEEK_DAYS, _SHORTEST_DAYS = 7.0, 1 / 24
# The days that a refresh may take, of which the shortest that suffices is recommended.
_REFRESH_DAYS = (2, 3, 5, 7, 10, 14, 30)


class PipelineCost(msgspec.Struct, frozen=True):
    """One pipeline: how much there is to ask, and how often its entry in the list changes.

    `idle_days` is the time since its last reading, after which `unended` executions had not ended.
    """

    promotions: int = 0
    has_executions: bool = False
    executions_per_day: float = 0.0
    unended: int = 0
    changes_per_day: float = 0.0
    idle_days: float = 0.0

    @classmethod
    def of(cls, row: Mapping[str, Any], history: ExecutionHistory | None, read_at: datetime, now: datetime) -> Self:
        """Return the cost of a pipeline by a row of plan/pipelines.sql and what is known of its executions."""
        known = history.known if history else ()
        complete_from = history.complete_from if history else None
        days = _WEEK_DAYS if complete_from is None else min(_WEEK_DAYS, (read_at - complete_from) / _DAY)
        days = max(days, _SHORTEST_DAYS)
        per_day = sum(each.began is not None and each.began >= read_at - days * _DAY for each in known) / days
        changes = row["changes_per_day"]
        return cls(
            promotions=row["promotions"],
            has_executions=row["has_executions"],
            executions_per_day=per_day,
            unended=sum(not each.ended for each in known),
            changes_per_day=min(1.0, per_day) if changes is None else changes,
            idle_days=max(0.0, (now - read_at) / _DAY),
        )

    def asked(self, days: float, share: float = 1.0) -> dict[str, float]:
        """Return the requests by kind of a reading after so many days, if there is one in that `share` of runs."""
        lists = share * self.has_executions
        return {
            "actions": share,
            "action": share * self.promotions,
            "executions": lists,
            "execution": lists * (self.unended + self.executions_per_day * days),
        }


def total_asked(asked: Iterable[Mapping[str, float]]) -> dict[str, int]:
    """Return the sums of requests by kind, as whole numbers."""
    total: defaultdict[str, float] = defaultdict(float)
    for each in asked:
        for kind, count in each.items():
            total[kind] += count
    return {kind: round(count) for kind, count in total.items()}


def daily_requests(costs: Iterable[PipelineCost], refresh_days: float) -> int:
    """Return the requests for pipelines of a run each day, with a refresh of so many days; 0 asks for all of them."""
    total = 0.0
    for each in costs:
        share = 1.0
        if refresh_days and not each.unended:
            share = min(1.0, 1 / refresh_days + each.changes_per_day)
        # However rarely a pipeline is asked, each of its executions is read once.
        total += sum(each.asked(1 / share, share).values())
    return round(total)


def advised_refresh(costs: Sequence[PipelineCost], most: float, longer_than: float) -> int | None:
    """Return the shortest refresh in days with which a run each day takes at most so many requests for pipelines.

    None where no refresh that is `longer_than` so many days suffices.
    """
    usable = (days for days in _REFRESH_DAYS if days > longer_than)
    return next((days for days in usable if daily_requests(costs, days) <= most), None)

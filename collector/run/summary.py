"""The summary of a published run: what the summary line, the summary file and the exit code are made of."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from collector.crawl.fetch_result import RequestCost
from collector.lake.manifest import RunEntry
from collector.query.carried import Carried
from collector.run.run_stats import RunStats
from collector.settings.durations import duration_text

# Buddy's clock and this machine's may be so far apart before dates of this machine are doubted.
CLOCK_TOLERANCE = timedelta(hours=1)
_CHANGES = ("added", "removed", "returned", "changed", "changed_fields", "ran")


class InstallationSummary(msgspec.Struct, frozen=True):
    """How one installation fared; its `status` is its own, where that of the summary is the run's.

    `promote_image_actions` were read or carried; `oldest_read_at` is when the oldest of those carried was read.
    """

    installation: str
    status: str
    promote_image_actions: int
    executions: int
    problems: dict[str, int]
    notices: int
    requests: int
    retries: int
    refusals: int
    paused_seconds: float
    carried: int = 0
    oldest_read_at: datetime | None = None


class RunSummary(msgspec.Struct, frozen=True):
    """How a run went: what the summary line, the summary file and the exit code are made of. Times are UTC.

    `coverage` counts things by list and coverage; `problems` counts them by kind, without notices; `changes` counts
    promotions and changed fields, and `changed` says the same as text, both as the view run_changes has them;
    `clock_skew_seconds` is how far Buddy's clock is ahead of this machine's, None when no reply had a Date. `carried`
    counts the promotions that an earlier run read, the oldest of them at `oldest_read_at`.
    """

    run_id: str
    run_date: str
    status: str
    started_at: datetime
    finished_at: datetime
    resumed_count: int
    rows: dict[str, int]
    coverage: dict[str, dict[str, int]]
    problems: dict[str, int]
    notices: int
    changes: dict[str, int]
    changed: str
    requests: int
    retries: int
    refusals: int
    bytes_received: int
    paced_seconds: float
    paused_seconds: float
    installations: tuple[InstallationSummary, ...] = ()
    clock_skew_seconds: float | None = None
    carried: int = 0
    oldest_read_at: datetime | None = None

    @property
    def clock_is_wrong(self) -> bool:
        """True when this machine's clock and Buddy's are too far apart for this run's dates to be believed."""
        return abs(self.clock_skew_seconds or 0) > CLOCK_TOLERANCE.total_seconds()

    @property
    def carried_text(self) -> str:
        """How many promotions were carried and how old the oldest is, in words; empty when none was."""
        if self.oldest_read_at is None:
            return ""
        age = duration_text(max(0.0, (self.started_at - self.oldest_read_at).total_seconds()))
        return f"{self.carried:,} carried, the oldest read {age} before the run"

    @property
    def exit_code(self) -> int:
        """0 complete, 1 partial (design.md, section 3)."""
        return 0 if self.status == "complete" else 1


def summarise(
    run: RunEntry,
    stats: RunStats,
    rows: dict[str, int],
    changes: Mapping[str, Any],
    carried: Mapping[str, Carried],
    clock_skew: float | None,
) -> RunSummary:
    """Return the summary of a published run; `changes` is its row of the view run_changes."""
    tallies = stats.installations.values()
    cost = sum((tally.cost for tally in tallies), RequestCost(attempts=0))
    coverage: defaultdict[str, Counter[str]] = defaultdict(Counter)
    problems: Counter[str] = Counter()
    for tally in tallies:
        problems.update(tally.problems)
        for (kind, name), count in sorted(tally.coverage.items()):
            coverage[kind][name] += count
    return RunSummary(
        run_id=run.run_id,
        run_date=run.run_date.isoformat(),
        status=run.status,
        started_at=run.started_at.astimezone(UTC),
        finished_at=run.finished_at.astimezone(UTC),
        resumed_count=stats.resumed_count,
        rows=rows,
        coverage={kind: dict(counts) for kind, counts in coverage.items()},
        problems=dict(sorted(problems.items())),
        notices=sum(tally.notices for tally in tallies),
        changes={name: changes[name] for name in _CHANGES},
        changed=changes["line"],
        requests=cost.requests,
        retries=sum(tally.retries for tally in tallies),
        refusals=cost.refusals,
        bytes_received=cost.bytes_received,
        paced_seconds=round(cost.paced_seconds, 3),
        paused_seconds=round(cost.paused_seconds, 3),
        installations=tuple(
            InstallationSummary(
                installation=name,
                status="partial" if tally.partial else "complete",
                promote_image_actions=tally.coverage.get(("actions", "fetched"), 0) + _count(carried.get(name)),
                executions=tally.coverage.get(("executions", "fetched"), 0),
                problems=dict(sorted(tally.problems.items())),
                notices=tally.notices,
                requests=tally.cost.requests,
                retries=tally.retries,
                refusals=tally.cost.refusals,
                paused_seconds=round(tally.cost.paused_seconds, 3),
                carried=_count(carried.get(name)),
                oldest_read_at=each.oldest_read_at if (each := carried.get(name)) else None,
            )
            for name, tally in stats.installations.items()
        ),
        clock_skew_seconds=None if clock_skew is None else round(clock_skew, 1),
        carried=sum(map(_count, carried.values())),
        oldest_read_at=min((each.oldest_read_at for each in carried.values()), default=None),
    )


def _count(carried: Carried | None) -> int:
    return carried.promotions if carried else 0

"""What a run has cost and found: counted in one place, and shown as one frozen value."""

from collections import Counter

import msgspec

from collector.crawl.fetch_result import Answered, Failed, RequestCost
from collector.crawl.frontier import Frontier
from collector.crawl.records import CrawlRecord, ListedItem, Problem, ReadExecution
from collector.lake.shared_columns import COVERAGE_OUTCOMES

# Coverages that make a run partial; `skipped` does so only at the time limit.
_MISSED = frozenset(coverage for coverage, outcome in COVERAGE_OUTCOMES.items() if outcome == "missed")
# What makes the list of workspaces itself incomplete, though it was answered.
_ROOT_PROBLEMS = frozenset({"not_understood", "unsettled_listing"})


class InstallationStats(msgspec.Struct, frozen=True):
    """What the crawl of one installation has cost and found.

    `problems` counts them by kind, without notices. `coverage` counts items by list and coverage; an item of
    `execution_lists` is all executions of one pipeline. `partial` says that something selected was not seen. `found`
    and `done` count requests by kind.
    """

    answered: int
    cost: RequestCost
    retries: int
    problems: dict[str, int]
    notices: int
    coverage: dict[tuple[str, str], int]
    partial: bool
    workspaces_listed: bool
    first_failure: str | None
    found: dict[str, int]
    done: dict[str, int]


class RunStats(msgspec.Struct, frozen=True):
    """What a run has cost and found, by installation."""

    resumed_count: int
    installations: dict[str, InstallationStats]

    @property
    def partial(self) -> bool:
        """True when anything selected was not seen."""
        return any(each.partial for each in self.installations.values())

    @property
    def answered(self) -> int:
        """The replies that were accepted, of all installations."""
        return sum(each.answered for each in self.installations.values())


class StatsCounter:
    """Counts what the crawl of one installation costs and finds; only the reply processor changes it.

    `partial` is set when the crawl ends before everything selected was seen.
    """

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._answered = 0
        self._retries = 0
        self._cost = RequestCost(attempts=0)
        self._problems: Counter[str] = Counter()
        self._notices = 0
        self._coverage: Counter[tuple[str, str]] = Counter()
        self.partial = False
        self._first_failure: str | None = None

    def add_line(self, line: Answered | Failed) -> None:
        """Count one settled request."""
        self._cost += line.cost
        self._retries += max(0, line.cost.attempts - 1)
        if isinstance(line, Answered):
            self._answered += 1
        else:
            self._first_failure = self._first_failure or line.failure.message

    def add_record(self, record: CrawlRecord) -> None:
        """Count a record, and note when it means that something selected was not seen."""
        if isinstance(record, ListedItem):
            self._coverage[record.kind, record.coverage] += 1
            if record.executions_coverage is not None:
                self._coverage["execution_lists", record.executions_coverage] += 1
            self.partial |= record.coverage in _MISSED or record.executions_coverage in _MISSED
        elif isinstance(record, Problem) and record.severity == "notice":
            self._notices += 1
        elif isinstance(record, Problem):
            self._problems[record.kind] += 1
            # What is below a workspace is missed or not by its coverage, which depends on what was selected.
            self.partial |= record.kind in _ROOT_PROBLEMS and record.key.workspace is None
        elif isinstance(record, ReadExecution):
            self._coverage["executions", record.coverage] += 1

    def add_carried(self, actions: int) -> None:
        """Count promotions that were not asked for and are carried from an earlier run."""
        self._coverage["actions", "carried"] += actions

    def snapshot(self) -> InstallationStats:
        """Return the counts now."""
        frontier = self._frontier
        return InstallationStats(
            answered=self._answered,
            cost=self._cost,
            retries=self._retries,
            problems=dict(self._problems),
            notices=self._notices,
            coverage={(str(kind), coverage): count for (kind, coverage), count in self._coverage.items()},
            partial=self.partial or frontier.root_failure is not None,
            workspaces_listed=frontier.workspaces_listed,
            first_failure=self._first_failure,
            found={kind.value: count for kind, count in frontier.found.items()},
            done={kind.value: count for kind, count in frontier.done.items()},
        )

"""What a run has cost and found: counted in one place."""

from collections import Counter

import msgspec
from msgspec.structs import replace

from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.frontier import Frontier
from collector.crawl.records import CrawlRecord, ListedItem, Problem
from collector.lake.tables import COVERAGE_OUTCOMES

# Coverages that make a run partial; `skipped` does so only at the time limit.
_MISSED = frozenset(coverage for coverage, outcome in COVERAGE_OUTCOMES.items() if outcome == "missed")
# What makes the list of workspaces itself incomplete, though it was answered.
_ROOT_PROBLEMS = frozenset({"not_understood", "unsettled_listing"})


class InstallationStats(msgspec.Struct):
    """What the crawl of one installation has cost and found; only the reply processor counts, others get a copy.

    `coverage` counts items by list and coverage. `partial` says that something selected was not seen. `found` and
    `done` count requests by kind, `waiting` those not yet sent; they come from the frontier.
    """

    answered: int = 0
    requests: int = 0
    retries: int = 0
    refusals: int = 0
    bytes_received: int = 0
    paced_seconds: float = 0.0
    paused_seconds: float = 0.0
    problems: dict[str, int] = msgspec.field(default_factory=Counter)
    coverage: dict[tuple[str, str], int] = msgspec.field(default_factory=Counter)
    partial: bool = False
    first_failure: str | None = None
    workspaces_listed: bool = False
    found: dict[str, int] = {}
    done: dict[str, int] = {}
    waiting: int = 0

    def add_line(self, line: Answered | Failed) -> None:
        """Count one settled request."""
        cost = line.cost
        self.requests += cost.attempts + cost.refusals
        self.retries += max(0, cost.attempts - 1)
        self.refusals += cost.refusals
        self.bytes_received += cost.bytes_received
        self.paced_seconds += cost.paced_seconds
        self.paused_seconds += cost.paused_seconds
        if isinstance(line, Answered):
            self.answered += 1
        else:
            self.first_failure = self.first_failure or line.failure.message

    def add_record(self, record: CrawlRecord) -> None:
        """Count a record, and note when it means that something selected was not seen."""
        if isinstance(record, Problem):
            self.problems[record.kind] += 1
            # What is below a workspace is missed or not by its coverage, which depends on what was selected.
            self.partial |= record.kind in _ROOT_PROBLEMS and record.key.workspace is None
        elif isinstance(record, ListedItem):
            self.coverage[record.kind.value, record.coverage] += 1
            self.partial |= record.coverage in _MISSED

    def with_progress(self, frontier: Frontier) -> "InstallationStats":
        """Return a copy that says how far the frontier has come."""
        return replace(
            self,
            problems=dict(self.problems),
            coverage=dict(self.coverage),
            partial=self.partial or frontier.root_failure is not None,
            workspaces_listed=frontier.workspaces_listed,
            found={kind.value: count for kind, count in frontier.found.items()},
            done={kind.value: count for kind, count in frontier.done.items()},
            waiting=frontier.queue.waiting,
        )


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

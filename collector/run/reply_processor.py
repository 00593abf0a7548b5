"""The heart of a run: journal lines in, rows out. The same code whether a line is new or replayed, and no I/O in it.

decode -> frontier.feed -> flatten, with the tallies that `runs` and the summary are made of.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from collector.buddy.decode import decode
from collector.crawl.frontier import Frontier, Selection
from collector.crawl.journal import Answered, Entry, Failed, Line, RequestCost, Resumed
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem
from collector.crawl.reply import GivenUp, Reply
from collector.lake.flatten import Row, RunKey, flatten
from collector.lake.tables import COVERAGE_OUTCOMES
from collector.settings.declarations import Installation
from collector.settings.globs import exact_names, selects

# Coverages that make a run partial; `skipped` does only when time ran out.
_MISSED = frozenset(coverage for coverage, outcome in COVERAGE_OUTCOMES.items() if outcome == "missed")
# What makes the list of workspaces itself less than whole, though it was answered.
_OF_THE_ROOT = frozenset({"not_understood", "unsettled_listing"})
# Rows leave in lots of so many, or of the rows of so many bytes of replies: enough that Arrow arrays are large and leave no
# holes in memory (with lots of 2,000 some nights of 100,000 actions peaked 40 MB higher), and few enough that the event loop
# is held up for some hundredths of a second only.
ROWS_PER_LOT = 5_000
BYTES_PER_LOT = 4 << 20


class RunStats:
    """What one installation's crawl has cost and found so far."""

    def __init__(self) -> None:
        self.answered = 0
        self.requests = 0
        self.retries = 0
        self.refusals = 0
        self.bytes_received = 0
        self.paced_seconds = 0.0
        self.paused_seconds = 0.0
        self.problems: Counter[str] = Counter()
        self.coverage: Counter[tuple[str, str]] = Counter()
        self.partial = False
        self.first_failure: str | None = None

    def add_cost(self, cost: RequestCost) -> None:
        """Add what one settled request cost."""
        self.requests += cost.attempts + cost.refusals
        self.retries += max(0, cost.attempts - 1)
        self.refusals += cost.refusals
        self.bytes_received += cost.bytes_received
        self.paced_seconds += cost.paced_seconds
        self.paused_seconds += cost.paused_seconds

    def add_finding(self, finding: CrawlRecord) -> None:
        """Count a finding, and notice when it means that something selected was not seen."""
        if isinstance(finding, Problem):
            self.problems[finding.kind] += 1
            # Anything below a workspace is missed or not by its coverage, which knows what was selected.
            self.partial |= finding.kind in _OF_THE_ROOT and finding.key.workspace is None
        elif isinstance(finding, ListedItem):
            self.coverage[finding.kind.value, finding.coverage] += 1
            self.partial |= finding.coverage in _MISSED


class ReplyProcessor:
    """All installations of one run. Rows pile up by table until there is a `lot` and the caller takes it: `take_rows`."""

    def __init__(self, stamp: RunKey, installations: Sequence[Installation]) -> None:
        self.stamp = stamp
        self.frontiers = {each.name: Frontier(each.name, selection(each)) for each in installations}
        self.tallies = {each.name: RunStats() for each in installations}
        self.resumed_count = 0
        self.waiting_rows = 0
        self._waiting_bytes = 0
        self._rows: dict[str, list[Row]] = {}

    def replay(self, line: Line) -> bool:
        """Take a journalled line; False if it answers a request that the frontier never made, or can't be read."""
        if isinstance(line, Resumed):
            self.resumed_count += 1
            return True
        if not isinstance(line, Answered | Failed):
            return False
        frontier = self.frontiers.get(line.request.installation)
        if frontier is None or not frontier.claim(line.request):
            return False
        document = msgspec.json.decode(line.body) if isinstance(line, Answered) else None
        self.take(line, document)
        return True

    def take(self, line: Entry, document: Any) -> None:
        """Move on by one journalled answer; `document` is the body of an `Answered` line, decoded."""
        name = line.request.installation
        tally, frontier = self.tallies[name], self.frontiers[name]
        tally.add_cost(line.cost)
        if isinstance(line, Answered):
            tally.answered += 1
            self._waiting_bytes += len(line.body)
            content = decode(line.request, document, repaired=line.marked)
            self._keep(tally, frontier.feed(Reply(line.request, content, line.at, line.cost.attempts)))
        else:
            tally.first_failure = tally.first_failure or line.message
            self._keep(tally, frontier.give_up(_given_up(line)))

    def stop(self, installation: str, problem_kind: str, why: str) -> None:
        """End one installation's crawl where it stands; what is open is missing from this night."""
        frontier, tally = self.frontiers[installation], self.tallies[installation]
        if frontier.finished:
            return
        tally.partial = True
        self._keep(tally, frontier.stop(problem_kind, why))

    def note(self, problem: Problem) -> None:
        """Record a problem that is no reply's: an abandoned run, a check's warning."""
        self._keep(self.tallies[problem.key.installation], [problem])

    def take_rows(self) -> Mapping[str, list[Row]]:
        """Return the rows gathered since the last call, by table."""
        rows, self._rows, self.waiting_rows, self._waiting_bytes = self._rows, {}, 0, 0
        return rows

    @property
    def lot(self) -> bool:
        """Whether so many rows wait that they should be taken."""
        return self.waiting_rows >= ROWS_PER_LOT or self._waiting_bytes >= BYTES_PER_LOT

    @property
    def partial(self) -> bool:
        """True when anything selected was not seen."""
        return any(self.missed(name) for name in self.tallies)

    def missed(self, installation: str) -> bool:
        """Return whether anything selected of one installation was not seen."""
        return self.frontiers[installation].root_failure is not None or self.tallies[installation].partial

    @property
    def answered(self) -> int:
        """Replies that were understood, of all installations."""
        return sum(tally.answered for tally in self.tallies.values())

    def _keep(self, tally: RunStats, findings: Sequence[CrawlRecord]) -> None:
        for finding in findings:
            tally.add_finding(finding)
            for table, row in flatten(self.stamp, finding):
                self._rows.setdefault(table, []).append(row)
                self.waiting_rows += 1


def selection(installation: Installation) -> Selection:
    """Return what an installation's globs select."""
    return Selection(
        workspace=lambda name: selects(installation.workspaces, name),
        project=lambda name: selects(installation.projects, name),
        exact_workspaces=exact_names(installation.workspaces),
    )


def abandoned_problem(installation: str, run_id: str, why: str, at: datetime) -> Problem:
    """Return the problem that says a run was not taken up again."""
    return Problem(
        "abandoned_run", Key(installation), f"Run {run_id} was abandoned: {why}", None, None, None, None, at, at
    )


def _given_up(line: Failed) -> GivenUp:
    return GivenUp(
        line.request, line.kind, line.message, line.http_status, line.cost.attempts, line.first_seen_at,
        line.last_seen_at, line.raw,
    )  # fmt: skip

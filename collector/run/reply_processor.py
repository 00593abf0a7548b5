"""The way of one reply: redact, append to the journal, decode, feed the frontier, flatten to rows, stage them.

The rows are a function of the journal alone: a replayed line takes the same way from the decoding on.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from collector.buddy.decode import decode
from collector.buddy.requests import Kind
from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.fetch_result import Answered, Failed, FetchResult
from collector.crawl.frontier import Frontier
from collector.crawl.journal import Journal, Line, Resumed
from collector.crawl.records import CrawlRecord, Problem
from collector.crawl.redaction import Redactor
from collector.crawl.refresh_plan import RefreshPlan
from collector.crawl.selection import Selection
from collector.lake.flatten import flatten
from collector.lake.projection import Row, RunKey
from collector.lake.staging import Staging
from collector.run.run_stats import RunStats, StatsCounter
from collector.settings.declarations import Installation
from collector.settings.globs import exact_names, selects

# Rows go to staging in batches of so many, or of the rows of so many bytes of replies: enough that Arrow arrays are
# large, and few enough that the event loop is held up for some hundredths of a second only.
BATCH_ROWS = 5_000
BATCH_BYTES = 4 << 20
# The journal is synced at least this often: what a power cut may cost.
SYNC_EVERY_S = 5.0


class ReplyProcessor:
    """Processes the replies of all installations of one run.

    `accept` takes a new result, `replay` those of the journal; the rows of both go to staging. Raises NotPublished when
    the disk is full.
    """

    def __init__(
        self,
        run: RunKey,
        installations: Sequence[Installation],
        journal: Journal,
        staging: Staging,
        *,
        keep_values: bool = False,
        executions: Mapping[str, ExecutionPlan] | None = None,
        refresh: Mapping[str, RefreshPlan] | None = None,
        with_names: bool = False,
    ) -> None:
        self.run = run
        plans, refresh_plans = executions or {}, refresh or {}
        self.frontiers = {
            each.name: Frontier(
                each.name, selection(each), plans.get(each.name), refresh_plans.get(each.name), with_names=with_names
            )
            for each in installations
        }
        self._counters = {name: StatsCounter(frontier) for name, frontier in self.frontiers.items()}
        self._redactors = {each.name: Redactor(each.token.reveal(), keep_values=keep_values) for each in installations}
        # What the workers have fetched; None is the last.
        self.results: asyncio.Queue[FetchResult | None] = asyncio.Queue(2 * sum(e.concurrency for e in installations))
        self._journal = journal
        self._staging = staging
        self._resumed_count = 0
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._batch_rows = self._batch_bytes = 0
        self._writing: asyncio.Future[None] | None = None
        self._synced_at = time.monotonic()

    async def accept_waiting(self) -> bool:
        """Wait for results and process all that are there; False once None was among them.

        Together, because to process each reply as it arrives costs a quarter more CPU.
        """
        batch = [await self.results.get()]
        while not self.results.empty():
            batch.append(self.results.get_nowait())
        self.accept(*(result for result in batch if result is not None))
        return None not in batch

    def accept(self, *results: FetchResult) -> None:
        """Process results up to their rows; nothing is fed before it is in the journal."""
        lines = [self._redacted_line(result) for result in results]
        self._journal.append(*lines)
        for line, result in zip(lines, results, strict=True):
            self._process(line, result.document)
            result.release()

    def replay(self, now: datetime) -> int:
        """Process the lines of the journal, stage their rows and return how many lines there were."""
        replayed = self._journal.replay(self._replay_line)
        if replayed:
            self._journal.append(Resumed(now))
            self._resumed_count += 1
        self._staging.append_all(self.drain())
        self._staging.write_full()
        return replayed

    def record(self, problem: Problem) -> None:
        """Record a problem that does not come from a reply: an abandoned run, the warning of a check."""
        self._record(problem.key.installation, [problem])

    def stop(self, installation: str, problem_kind: str, reason: str) -> bool:
        """End the crawl of one installation; what is open is carried, or missing from this run. False if nothing is."""
        records = self.frontiers[installation].stop(problem_kind, reason)
        self._counters[installation].partial |= any(isinstance(record, Problem) for record in records)
        self._record(installation, records)
        return bool(records)

    def count_carried(self, actions: Mapping[str, int]) -> None:
        """Count the promotions, by installation, that this run carries."""
        for installation, count in actions.items():
            self._counters[installation].add_carried(count)

    def snapshot(self) -> RunStats:
        """Return what the run has cost and found so far."""
        return RunStats(self._resumed_count, {name: each.snapshot() for name, each in self._counters.items()})

    async def stage(self) -> None:
        """Stage the rows once there is a batch of them, and sync the journal now and then.

        Parquet is written in a thread, one write at a time: where the disk is slower than the crawl, the crawl waits.
        """
        self._stage_batch()
        if self._staging.full:
            await self._written()
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._staging.write_full))
        now = time.monotonic()
        if now - self._synced_at > SYNC_EVERY_S:
            self._synced_at = now
            await asyncio.to_thread(self._journal.sync)

    async def finish(self) -> None:
        """Stage the last rows, wait for the last write and sync the journal."""
        self._staging.append_all(self.drain())
        await self._written()
        await asyncio.to_thread(self._journal.sync)

    def drain(self) -> Mapping[str, list[Row]]:
        """Return the rows that are not staged yet, by table, and forget them."""
        rows, self._rows, self._batch_rows, self._batch_bytes = self._rows, defaultdict(list), 0, 0
        return rows

    async def _written(self) -> None:
        if self._writing is not None:
            await self._writing

    def _stage_batch(self) -> None:
        if self._batch_rows >= BATCH_ROWS or self._batch_bytes >= BATCH_BYTES:
            self._staging.append_all(self.drain())

    def _redacted_line(self, result: FetchResult) -> Answered | Failed:
        request, cost, failure = result.request, result.cost, result.failure
        if failure is not None:
            return Failed(request, result.first_seen_at, result.last_seen_at, cost, failure)
        assert result.body is not None
        is_members = request.kind is Kind.MEMBERS
        changed = self._redactors[request.installation].redact(result.body, result.document, emails=is_members)
        body = msgspec.json.encode(result.document) if changed else result.body
        return Answered(request, result.last_seen_at, cost, msgspec.Raw(body), result.repaired)

    def _replay_line(self, line: Line) -> bool:
        """Process a journal line; False if it answers a request that the frontier never made."""
        if isinstance(line, Resumed):
            self._resumed_count += 1
            return True
        if not isinstance(line, Answered | Failed):
            return False
        frontier = self.frontiers.get(line.request.installation)
        if frontier is None or not frontier.queue.claim(line.request):
            return False
        self._process(line, msgspec.json.decode(line.body) if isinstance(line, Answered) else None)
        self._stage_batch()
        self._staging.write_full()
        return True

    def _process(self, line: Answered | Failed, document: Any) -> None:
        """Move on by one journalled line; `document` is the decoded body of an `Answered` line."""
        installation = line.request.installation
        frontier = self.frontiers[installation]
        self._counters[installation].add_line(line)
        if isinstance(line, Answered):
            self._batch_bytes += len(line.body)
            records = frontier.feed(line, decode(line.request, document, repaired=line.repaired))
        else:
            records = frontier.give_up(line)
        self._record(installation, records)

    def _record(self, installation: str, records: Sequence[CrawlRecord]) -> None:
        counter = self._counters[installation]
        for record in records:
            counter.add_record(record)
            rows = flatten(self.run, record)
            self._batch_rows += len(rows)
            for table, row in rows:
                self._rows[table].append(row)


def selection(installation: Installation) -> Selection:
    """Return what the globs of an installation select."""
    return Selection(
        workspace=lambda name: selects(installation.workspaces, name),
        project=lambda name: selects(installation.projects, name),
        exact_workspaces=exact_names(installation.workspaces),
    )

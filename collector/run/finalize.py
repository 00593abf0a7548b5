"""Finalize a run: check what was staged, compute what changed, and publish it all in one step.

This runs in a thread, after the crawl. Until the manifest is swapped nothing is visible and everything can be done
again. After the swap the run is published, whatever happens to the catalog or to the run's directory.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import structlog

from collector._version import __version__
from collector.crawl.journal import Header
from collector.crawl.records import Key, Problem
from collector.errors import CheckFailed, CollectorError
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.projection import Row, RunKey
from collector.lake.publish import publish
from collector.lake.staging import Staging, record_batch
from collector.lake.tables import ALL, TABLES
from collector.query import catalog
from collector.query.changes import PREVIOUS, StagedRun
from collector.query.checks import CheckRow
from collector.run.reply_processor import ReplyProcessor
from collector.run.run_stats import InstallationStats
from collector.settings.declarations import Installation, Settings

# Buddy's clock and this machine's may be so far apart before dates of this machine are doubted.
CLOCK_TOLERANCE = timedelta(hours=1)
# How many offending rows an error names; the rest are counted.
_NAMED_OFFENDERS = 5
KEPT_RAW = "raw.jsonl"


class InstallationSummary(msgspec.Struct, frozen=True):
    """How one installation fared; its `status` is its own, where that of the summary is the run's."""

    installation: str
    status: str
    promote_image_actions: int
    problems: dict[str, int]
    requests: int
    retries: int
    refusals: int
    paused_seconds: float


class RunSummary(msgspec.Struct, frozen=True):
    """How a run went: what the summary line, the summary file and the exit code are made of. Times are UTC.

    `coverage` counts things by list and coverage; `changes` counts rows of action_changes by kind of change;
    `clock_skew_seconds` is how far Buddy's clock is ahead of this machine's, None when no reply carried a Date.
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
    changes: dict[str, int]
    requests: int
    retries: int
    refusals: int
    bytes_received: int
    paced_seconds: float
    paused_seconds: float
    installations: tuple[InstallationSummary, ...] = ()
    clock_skew_seconds: float | None = None

    @property
    def clock_is_wrong(self) -> bool:
        """True when this machine's clock and Buddy's are too far apart for this run's dates to be believed."""
        return abs(self.clock_skew_seconds or 0) > CLOCK_TOLERANCE.total_seconds()

    @property
    def exit_code(self) -> int:
        """0 complete, 1 partial (design.md, section 3)."""
        return 0 if self.status == "complete" else 1


@dataclass(frozen=True)
class FinishedCrawl:
    """What is needed to finalize a run."""

    settings: Settings
    lake: Lake
    directory: Path
    run_key: RunKey
    header: Header
    processor: ReplyProcessor
    staging: Staging
    clock_skew: float | None = None


def finalize(crawl: FinishedCrawl, now: Callable[[], datetime]) -> RunSummary:
    """Check and publish the run; return its summary.

    Raises CheckFailed when a blocking check found rows, NotPublished when the disk is full.
    """
    crawl.staging.append_all(crawl.processor.drain())
    # For the checks only: the published row is made when all problems are known.
    crawl.staging.append("runs", run_rows(crawl, now()))
    parts = crawl.staging.close()
    with _database(crawl, parts) as database:
        offenders = database.offenders()
        _refuse(offenders)
        problems = _warnings(crawl, offenders, now())
        # The clock may be set back during a run.
        finished_at = max(now(), crawl.header.started_at)
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            name: database.sorted_rows(name, extra=problems if name == "problems" else ())
            for name in ALL
            if name != "runs"
        }
        batches["runs"] = [record_batch(TABLES["runs"], run_rows(crawl, finished_at))]
        manifest = publish(crawl.lake, _run_entry(crawl, finished_at), batches, now=finished_at)
        changes = database.change_counts()
    _after_the_swap(crawl)
    rows = {
        name: sum(entry.rows for entry in manifest.tables.get(name, ()) if crawl.run_key.run_id in entry.runs)
        for name in TABLES
    }
    return _summary(crawl, finished_at, rows, changes)


def _database(crawl: FinishedCrawl, parts: Mapping[str, Sequence[Path]]) -> StagedRun:
    lake = crawl.lake
    complete = next((run.run_id for run in reversed(lake.manifest.runs) if run.status == "complete"), None)
    counted = [
        lake.storage.locate(entry.path)
        for entry in lake.manifest.tables.get("promote_image_actions", [])
        if complete in entry.runs
    ]
    return StagedRun(
        parts,
        {name: [path for path, _ in lake.files(name)] for name in PREVIOUS},
        run_id=crawl.run_key.run_id,
        run_date=crawl.run_key.run_date,
        listed_installations=[
            name for name, each in crawl.processor.snapshot().installations.items() if each.workspaces_listed
        ],
        spill=crawl.directory / "spill",
        counted=counted,
    )


def _refuse(offenders: Sequence[CheckRow]) -> None:
    blocking = [offender for offender in offenders if offender.blocking]
    if not blocking:
        return
    named = "; ".join(f"{each.check}: {each.message}" for each in blocking[:_NAMED_OFFENDERS])
    more = len(blocking) - _NAMED_OFFENDERS
    raise CheckFailed(
        f"The run failed {len({each.check for each in blocking})} blocking check(s): {named}"
        + (f"; and {more} more" if more > 0 else ""),
        "Nothing was published; the previous run stays the latest. This is a fault in what Buddy sent or in this "
        "program: keep the run's folder under runs/ for a report. The next `collector collect` begins a new run.",
    )


def _warnings(crawl: FinishedCrawl, offenders: Sequence[CheckRow], at: datetime) -> list[pa.RecordBatch]:
    """Record what warning checks found as problems, and return those rows."""
    for each in offenders:
        installation = each.installation or crawl.settings.installations[0].name
        key = Key(installation, each.workspace, each.project, each.pipeline_id, each.action_id)
        problem = Problem("check", key, f"{each.check}: {each.message}", first_seen_at=at, last_seen_at=at)
        crawl.processor.record(problem)
    rows = crawl.processor.drain().get("problems", [])
    return [record_batch(TABLES["problems"], rows)] if rows else []


def _after_the_swap(crawl: FinishedCrawl) -> None:
    """Bring the catalog up to date and remove the run's directory; the run stays published if this fails."""
    try:
        catalog.build(crawl.lake)
        if crawl.settings.keep_raw:
            _keep_raw(crawl.directory)
        crawl.lake.runs.remove(crawl.run_key.run_id, keep_raw=crawl.settings.keep_raw)
    except (CollectorError, OSError) as error:
        structlog.get_logger().warning("left_behind", what=str(error), advice="The next command puts it right.")


def _keep_raw(directory: Path) -> None:
    """Keep the redacted replies as JSON lines, without the journal's checksums."""
    temporary = directory / f"{KEPT_RAW}.tmp"
    with (directory / "journal.jsonl").open("rb") as journal, temporary.open("wb") as kept:
        for line in journal:
            kept.write(line.partition(b" ")[2])
    shutil.copymode(directory / "journal.jsonl", temporary)
    temporary.replace(directory / KEPT_RAW)


def _run_entry(crawl: FinishedCrawl, finished_at: datetime) -> RunEntry:
    return RunEntry(
        run_id=crawl.run_key.run_id,
        run_date=crawl.run_key.run_date,
        status="partial" if crawl.processor.snapshot().partial else "complete",
        started_at=crawl.header.started_at,
        finished_at=finished_at,
        collector_version=__version__,
        api_urls=[each.api_url for each in crawl.settings.installations],
    )


def run_rows(crawl: FinishedCrawl, finished_at: datetime) -> list[Row]:
    """Return the rows of `runs`: one for each installation."""
    return [_run_row(crawl, each, finished_at) for each in crawl.settings.installations]


def _run_row(crawl: FinishedCrawl, installation: Installation, finished_at: datetime) -> Row:
    run = crawl.processor.snapshot()
    tally = run.installations[installation.name]
    schemas = "".join(table.fingerprint for table in TABLES.values())
    values = {
        "run_id": crawl.run_key.run_id,
        "run_date": crawl.run_key.run_date,
        "installation": installation.name,
        "status": "partial" if run.partial else "complete",
        "started_at": crawl.header.started_at,
        "finished_at": finished_at,
        "resumed_count": run.resumed_count,
        "collector_version": __version__,
        "schema_fingerprint": sha256(schemas.encode()).hexdigest()[:16],
        "api_url": installation.api_url,
        "requests": tally.requests,
        "retries": tally.retries,
        "refusals": tally.refusals,
        "bytes_received": tally.bytes_received,
        "paced_seconds": round(tally.paced_seconds, 3),
        "paused_seconds": round(tally.paused_seconds, 3),
        "problems": sum(tally.problems.values()),
        "filters": json.dumps({"workspaces": installation.workspaces, "projects": installation.projects}),
    }
    return tuple([values[name] for name in TABLES["runs"].column_names])


def _summary(crawl: FinishedCrawl, finished_at: datetime, rows: dict[str, int], changes: dict[str, int]) -> RunSummary:
    run = crawl.processor.snapshot()
    tallies = list(run.installations.values())
    coverage: dict[str, Counter[str]] = {}
    problems: Counter[str] = Counter()
    for tally in tallies:
        problems.update(dict(sorted(tally.problems.items())))
        for (kind, name), count in sorted(tally.coverage.items()):
            coverage.setdefault(kind, Counter())[name] += count
    return RunSummary(
        run_id=crawl.run_key.run_id,
        run_date=crawl.run_key.run_date.isoformat(),
        status="partial" if run.partial else "complete",
        started_at=crawl.header.started_at.astimezone(UTC),
        finished_at=finished_at.astimezone(UTC),
        resumed_count=run.resumed_count,
        rows=rows,
        coverage={kind: dict(counts) for kind, counts in coverage.items()},
        problems=dict(problems),
        changes=changes,
        requests=sum(t.requests for t in tallies),
        retries=sum(t.retries for t in tallies),
        refusals=sum(t.refusals for t in tallies),
        bytes_received=sum(t.bytes_received for t in tallies),
        paced_seconds=round(sum(t.paced_seconds for t in tallies), 3),
        paused_seconds=round(sum(t.paused_seconds for t in tallies), 3),
        installations=tuple(_part(name, stats) for name, stats in run.installations.items()),
        clock_skew_seconds=None if crawl.clock_skew is None else round(crawl.clock_skew, 1),
    )


def _part(installation: str, tally: InstallationStats) -> InstallationSummary:
    return InstallationSummary(
        installation=installation,
        status="partial" if tally.partial else "complete",
        promote_image_actions=tally.coverage.get(("actions", "fetched"), 0),
        problems=dict(sorted(tally.problems.items())),
        requests=tally.requests,
        retries=tally.retries,
        refusals=tally.refusals,
        paused_seconds=round(tally.paused_seconds, 3),
    )

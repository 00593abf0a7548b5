"""Finalize a run: check what was staged, compute what changed, and publish it all in one step.

This runs in a thread, after the crawl. Until the manifest is swapped nothing is visible and everything can be done
again. After the swap the run is published, whatever happens to the catalog or to the run's directory.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import structlog
from msgspec.structs import asdict

from collector._version import __version__
from collector.crawl.journal import Header
from collector.crawl.records import Key, Problem
from collector.errors import CheckFailed, CollectorError
from collector.lake import delta
from collector.lake.carry import CarriedRows
from collector.lake.lake import Lake
from collector.lake.lost_race import until_won
from collector.lake.manifest import FileEntry, RunEntry
from collector.lake.projection import Row
from collector.lake.publish import publish, write_tables
from collector.lake.staging import Staging, record_batch
from collector.lake.tables import ALL, SNAPSHOTS, TABLES
from collector.query import catalog
from collector.query.changes import COMPUTED, StagedRun
from collector.query.checks import CheckRow, read_checks
from collector.query.run_status import RunStatus, keep_status
from collector.run.reply_processor import ReplyProcessor
from collector.run.summary import RunSummary, summarise
from collector.settings.declarations import Settings

# How many offending rows an error names; the rest are counted.
_NAMED_OFFENDERS = 5
KEPT_RAW = "raw.jsonl"
# What the checks find adds rows to them.
_LAST_WRITTEN = frozenset({"problems", "runs"})


@dataclass(frozen=True)
class FinishedCrawl:
    """What is needed to finalize a run."""

    settings: Settings
    lake: Lake
    header: Header
    processor: ReplyProcessor
    staging: Staging
    clock_skew: float | None = None


@dataclass
class _Warned:
    """What the warning checks have found, in all attempts to publish, and the rows that say so."""

    offenders: set[CheckRow] = field(default_factory=set)
    batches: list[pa.RecordBatch] = field(default_factory=list)


def finalize(crawl: FinishedCrawl, now: Callable[[], datetime]) -> RunSummary:
    """Check and publish the run; return its summary.

    Raises CheckFailed when a blocking check found rows, NotPublished when the disk is full, Outdated when other
    machines have published before each of several attempts.
    """
    crawl.staging.append_all(crawl.processor.drain())
    # For the checks only: the published row is made when all problems are known.
    crawl.staging.append("runs", _run_rows(crawl, _run_entry(crawl, now())))
    parts = _with_carried_rows(crawl, crawl.staging.close())
    warned = _Warned()
    # A run does not depend on those of others. What was computed from the state before them is computed again.
    return until_won(crawl.lake, lambda: _check_and_publish(crawl, parts, now, warned))


def _check_and_publish(
    crawl: FinishedCrawl, parts: Mapping[str, Sequence[Path]], now: Callable[[], datetime], warned: "_Warned"
) -> RunSummary:
    """Check and publish the run onto the manifest that was read last; `warned` are warnings recorded before."""
    with _database(crawl, parts) as database, ThreadPoolExecutor(2) as writers:

        def write(names: Iterable[str]) -> Future[dict[str, FileEntry | None]]:
            # In a thread: neither DuckDB nor Arrow holds the interpreter's lock.
            rows = {name: database.sorted_rows(name) for name in names}
            return writers.submit(write_tables, crawl.lake, _run_entry(crawl, now()), rows)

        staged = write(name for name in ALL if name not in COMPUTED | _LAST_WRITTEN)
        database.compute_changes()
        computed = write(name for name in ALL if name in COMPUTED)
        offenders = database.offenders(read_checks())
        _refuse(offenders)
        database.add_rows("problems", _warnings(crawl, offenders, now(), warned))
        files = {**staged.result(), **computed.result()}
        run = _run_entry(crawl, now())
        database.add_rows("runs", [record_batch(TABLES["runs"], _run_rows(crawl, run))], instead=True)
        last = {name: database.sorted_rows(name) for name in _LAST_WRITTEN}
        manifest = publish(crawl.lake, run, last, now=run.finished_at, written=files)
        changes, carried, status = database.run_changes(), database.carried(), database.status(run.run_id)
    _after_the_swap(crawl, status, now())
    rows = {
        name: sum(entry.rows for entry in manifest.tables.get(name, ()) if run.run_id in entry.runs) for name in TABLES
    }
    return summarise(run, crawl.processor.snapshot(), rows, changes, carried, crawl.clock_skew)


def _database(crawl: FinishedCrawl, parts: Mapping[str, Sequence[Path]]) -> StagedRun:
    lake, names = crawl.lake, {each.name for each in crawl.settings.installations}
    # Of each installation of this run: other runs may be of others.
    complete = {
        name: run.run_id
        for run in lake.manifest.runs
        if run.status == "complete"
        for name in names.intersection(run.installations)
    }
    last = set(complete.values())
    return StagedRun(
        parts,
        {name: [path for path, _ in lake.files(name)] for name in SNAPSHOTS},
        run_id=crawl.processor.run.run_id,
        run_date=crawl.processor.run.run_date,
        listed_installations=[
            name for name, each in crawl.processor.snapshot().installations.items() if each.workspaces_listed
        ],
        spill=_spill(crawl),
        last_complete_runs=complete,
        counted=lake.storage.copies(e for e in lake.entries("promote_image_actions") if last.intersection(e.runs)),
    )


def _with_carried_rows(crawl: FinishedCrawl, staged: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return the files of the run with those of the rows that it carries, and count these."""
    stats, run = crawl.processor.snapshot(), crawl.processor.run
    if not any(each.coverage.get(("pipelines", "carried")) for each in stats.installations.values()):
        return staged
    carried = CarriedRows(crawl.lake, staged, run.run_id, run.run_date, _spill(crawl) / "carried")
    crawl.processor.count_carried(carried.actions)
    return carried.parts


def _spill(crawl: FinishedCrawl) -> Path:
    return crawl.lake.runs.path(crawl.processor.run.run_id) / "spill"


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


def _warnings(
    crawl: FinishedCrawl, offenders: Sequence[CheckRow], at: datetime, warned: "_Warned"
) -> list[pa.RecordBatch]:
    """Record what checks found that block nothing, each once, and return the rows of all attempts to publish."""
    for each in dict.fromkeys(offenders):
        if each in warned.offenders:
            continue
        warned.offenders.add(each)
        installation = each.installation or crawl.settings.installations[0].name
        key = Key(installation, each.workspace, each.project, each.pipeline_id, each.action_id)
        message = f"{each.check}: {each.message}"
        problem = Problem("check", key, message, first_seen_at=at, last_seen_at=at, severity=each.severity)
        crawl.processor.record(problem)
    if rows := crawl.processor.drain().get("problems"):
        warned.batches.append(record_batch(TABLES["problems"], rows))
    return warned.batches


def _after_the_swap(crawl: FinishedCrawl, status: RunStatus, now: datetime) -> None:
    """Bring catalog, Delta logs and status up to date and remove the run's directory.

    The run stays published if this fails.
    """
    try:
        catalog.build(crawl.lake)
        delta.follow(crawl.lake, now, wanted=crawl.settings.table_format == "delta")
        run_id, keep_raw = crawl.processor.run.run_id, crawl.settings.keep_raw
        if keep_raw:
            _keep_raw(crawl.lake.runs.path(run_id))
        crawl.lake.runs.remove(run_id, keep_raw=keep_raw)
        keep_status(crawl.lake, status)
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


def _run_entry(crawl: FinishedCrawl, now: datetime) -> RunEntry:
    return RunEntry(
        run_id=crawl.processor.run.run_id,
        run_date=crawl.processor.run.run_date,
        status="partial" if crawl.processor.snapshot().partial else "complete",
        started_at=crawl.header.started_at,
        finished_at=max(now, crawl.header.started_at),  # the clock may be set back during a run
        collector_version=__version__,
        api_urls=[each.api_url for each in crawl.settings.installations],
        installations=[each.name for each in crawl.settings.installations],
    )


def _run_rows(crawl: FinishedCrawl, run: RunEntry) -> list[Row]:
    """Return the rows of `runs`: one for each installation."""
    stats = crawl.processor.snapshot()
    schemas = "".join(table.fingerprint for table in TABLES.values())
    rows = []
    for installation in crawl.settings.installations:
        tally = stats.installations[installation.name]
        values = {
            **asdict(run),
            **asdict(tally.cost),
            "requests": tally.cost.requests,
            "retries": tally.retries,
            "installation": installation.name,
            "resumed_count": stats.resumed_count,
            "schema_fingerprint": sha256(schemas.encode()).hexdigest()[:16],
            "api_url": installation.api_url,
            "paced_seconds": round(tally.cost.paced_seconds, 3),
            "paused_seconds": round(tally.cost.paused_seconds, 3),
            "problems": sum(tally.problems.values()),
            "notices": tally.notices,
            "filters": json.dumps({"workspaces": installation.workspaces, "projects": installation.projects}),
        }
        rows.append(tuple([values[name] for name in TABLES["runs"].column_names]))
    return rows

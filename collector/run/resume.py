"""Which run to continue: the journal of an interrupted run is resumed, or abandoned and a new run begun."""

from datetime import datetime, timedelta

import structlog

from collector.crawl.journal import FILE_NAME, FORMAT, Abandoned, Header, Journal, read_header
from collector.crawl.records import Key, Problem
from collector.errors import CollectorError, SettingsError
from collector.lake import delta
from collector.lake.lake import Lake
from collector.lake.sweep import sweep
from collector.run.context import RunContext
from collector.run.summary import CLOCK_TOLERANCE
from collector.settings.declarations import Settings

# An older run is not resumed: its first replies would be older than a day (design.md, section 6).
MAX_RESUME_AGE = timedelta(hours=24)
# The journal of a run whose rows failed a blocking check: kept for a person to examine, never resumed.
REJECTED = "rejected.jsonl"


def open_journal(lake: Lake, settings: Settings, context: RunContext) -> Journal:
    """Resume the newest run that can be, or begin one; older journals are abandoned."""
    now, fingerprint = context.now(), settings.fingerprint()
    abandoned = [
        Abandoned(run_id, "its rows failed a blocking check")
        for run_id in lake.runs.all()
        if (lake.runs.path(run_id) / REJECTED).exists()
    ]
    waiting, latest = lake.resumable_runs(), lake.manifest.latest
    for run_id in reversed(waiting):
        path = lake.runs.path(run_id) / FILE_NAME
        superseded = run_id != waiting[-1]
        # Where others publish too, a newer run of theirs supersedes none of ours.
        superseded |= latest is not None and run_id < latest.run_id and not lake.storage.shared
        why = "a newer run was begun" if superseded else why_not_resumable(read_header(path), now, fingerprint)
        if why is None:
            journal = Journal.resume(path)
            assert journal is not None, "its header was just read"
            break
        abandoned.append(Abandoned(run_id, why))
    else:
        for each in abandoned:
            context.observer.event(each)
        run_id = lake.new_run_id(now, context.rng)
        path = lake.runs.create(run_id) / FILE_NAME
        try:
            journal = Journal.create(path, Header(FORMAT, run_id, now, fingerprint, tuple(abandoned)))
        except SettingsError:
            lake.forget_run(run_id)
            raise
    # Before the files that a log may still name are removed.
    try:
        delta.follow(lake, now)
    except CollectorError as error:
        structlog.get_logger().warning("left_behind", what=str(error), advice=error.advice)
    # Only now, with a header on disk, may what dead runs left be removed.
    for failure in sweep(lake, now=now, keep_runs={run_id}):
        structlog.get_logger().warning(
            "left_behind", what=failure, advice="It harms nothing; remove it by hand, or give this user the right to."
        )
    return journal


def abandoned_problem(installation: str, abandoned: Abandoned, at: datetime) -> Problem:
    """Return the problem that says a run was not resumed."""
    message = f"Run {abandoned.run_id} was abandoned: {abandoned.why}"
    return Problem("abandoned_run", Key(installation), message, first_seen_at=at, last_seen_at=at)


def why_not_resumable(header: Header | None, now: datetime, fingerprint: str) -> str | None:
    """Return why a journal can't be resumed, None when it can."""
    if header is None:
        return "its journal can't be read"
    if header.format != FORMAT:
        return f"its journal has format {header.format}, this version of the collector reads format {FORMAT} only"
    began = f"it began at {header.started_at:%Y-%m-%dT%H:%M:%SZ}"
    if header.started_at - now > CLOCK_TOLERANCE:
        return f"{began}, which lies in the future: check the clock"
    if now - header.started_at > MAX_RESUME_AGE:
        return f"{began}, more than 24 hours ago"
    if header.fingerprint != fingerprint:
        return "it was begun with other settings"
    return None

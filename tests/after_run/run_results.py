"""Results of runs, made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from collector.after_run.run_result import RunResult, failed_run
from collector.errors import CollectorError, NotPublished
from collector.lake.manifest import FileEntry, Manifest, RunEntry
from collector.run.summary import InstallationSummary, RunSummary

BEGAN = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=5)
RUN_ID = "20261123T021500Z-7f3a9c"


def part(name: str = "us", **fields: Any) -> InstallationSummary:
    """One installation's part of a run."""
    given: dict[str, Any] = {
        "installation": name,
        "status": "complete",
        "promote_image_actions": 12,
        "executions": 7,
        "problems": {},
        "notices": 0,
        "requests": 100,
        "retries": 2,
        "refusals": 1,
        "paused_seconds": 3.5,
    }
    return InstallationSummary(**{**given, **fields})


def summary(**fields: Any) -> RunSummary:
    """The summary of a published run."""
    given: dict[str, Any] = {
        "run_id": RUN_ID,
        "run_date": "2026-11-23",
        "status": "complete",
        "started_at": BEGAN,
        "finished_at": ENDED,
        "resumed_count": 0,
        "rows": {"actions": 40, "promote_image_actions": 12},
        "coverage": {"projects": {"complete": 3}, "actions": {"fetched": 12, "not_promote_image": 28}},
        "problems": {},
        "notices": 0,
        "changes": {"added": 2, "changed": 0},
        "changed": "2 added",
        "requests": 100,
        "retries": 2,
        "refusals": 1,
        "bytes_received": 12345,
        "paced_seconds": 1.0,
        "paused_seconds": 3.5,
        "installations": (part(),),
    }
    return RunSummary(**{**given, **fields})


def published(**fields: Any) -> RunResult:
    """The result of a published run, with the lake that holds it."""
    made = summary(**fields)
    newest = RunEntry(
        run_id=made.run_id,
        run_date=BEGAN.date(),
        status="complete" if made.status == "complete" else "partial",
        started_at=BEGAN,
        finished_at=made.finished_at,
        collector_version="0.1.0",
    )
    file = FileEntry(
        path="tables/x", rows=1, bytes=5000, sha256="0" * 64, runs=[RUN_ID], run_month="2026-11", schema="s"
    )
    manifest = Manifest(runs=[newest], tables={"actions": [file]})
    return RunResult(made.exit_code, BEGAN, ENDED, made, manifest=manifest)


def not_published(error: CollectorError | None = None) -> RunResult:
    """The result of a run that published nothing, in a lake without runs."""
    return failed_run(error or NotPublished("Buddy hung up.", "Run it again."), BEGAN, ENDED)

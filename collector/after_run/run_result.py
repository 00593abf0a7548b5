"""How a run ended, published or not: the value from which summary, message and metrics are made."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from collector.errors import CollectorError, NotPublished
from collector.lake.manifest import RunEntry
from collector.run.summary import RunSummary

NOT_PUBLISHED = "not_published"


class RunResult(msgspec.Struct, frozen=True):
    """A run that has ended. `summary` is None when nothing was published; then `message` and `advice` say why.

    `newest` and `newest_complete` are the newest published runs of the lake, this one included.
    """

    exit_code: int
    began_at: datetime
    ended_at: datetime
    summary: RunSummary | None = None
    message: str = ""
    advice: str = ""
    newest: RunEntry | None = None
    newest_complete: RunEntry | None = None
    lake_bytes: int | None = None
    lake_growth: int | None = None

    @property
    def status(self) -> str:
        """`complete`, `partial` or `not_published`."""
        return NOT_PUBLISHED if self.summary is None else self.summary.status


def failed_run(error: Exception, began_at: datetime, ended_at: datetime) -> RunResult:
    """Return the result of a run that `error` ended before anything was published."""
    if isinstance(error, CollectorError):
        return RunResult(error.exit_code, began_at, ended_at, message=str(error), advice=error.advice)
    message = f"A fault of the program ended the run ({type(error).__name__})."
    advice = "What was published before is unchanged. The log holds the details; please report them."
    return RunResult(NotPublished.exit_code, began_at, ended_at, message=message, advice=advice)


def as_json(result: RunResult) -> dict[str, Any]:
    """Return the result for programs: always the same members, those of the summary null without a published run."""
    return {
        **dict.fromkeys(RunSummary.__struct_fields__),
        **(msgspec.to_builtins(result.summary) if result.summary else {}),
        "status": result.status,
        "exit_code": result.exit_code,
        "began_at": _utc(result.began_at),
        "ended_at": _utc(result.ended_at),
        "message": result.message or None,
        "advice": result.advice or None,
        "newest_run_id": result.newest.run_id if result.newest else None,
        "lake_bytes": result.lake_bytes,
        "lake_growth_bytes": result.lake_growth,
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

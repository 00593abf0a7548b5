"""How a run ended, published or not: the value from which summary, message and metrics are made."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from collector.errors import CollectorError, NotPublished
from collector.lake.manifest import Manifest, RunEntry
from collector.lake.sizes import growth_per_run
from collector.run.summary import RunSummary

NOT_PUBLISHED = "not_published"


class RunResult(msgspec.Struct, frozen=True):
    """A run that has ended. `summary` is None when nothing was published; then `message` and `advice` say why.

    `manifest` is that of the lake afterwards, None where the lake cannot be read.
    """

    exit_code: int
    began_at: datetime
    ended_at: datetime
    summary: RunSummary | None = None
    message: str = ""
    advice: str = ""
    manifest: Manifest | None = None

    @property
    def status(self) -> str:
        """`complete`, `partial` or `not_published`."""
        return NOT_PUBLISHED if self.summary is None else self.summary.status

    @property
    def newest(self) -> RunEntry | None:
        """The newest published run of the lake, this one included."""
        return self.manifest.latest if self.manifest else None

    @property
    def lake_bytes(self) -> int | None:
        """The bytes of the lake's live files."""
        return sum(e.bytes for entries in self.manifest.tables.values() for e in entries) if self.manifest else None


def failed_run(error: Exception, began_at: datetime, ended_at: datetime) -> RunResult:
    """Return the result of a run that `error` ended before anything was published."""
    if isinstance(error, CollectorError):
        return RunResult(error.exit_code, began_at, ended_at, message=str(error), advice=error.advice)
    message = f"A fault of the program ended the run ({type(error).__name__})."
    advice = "What was published before is unchanged. The log holds the details; please report them."
    return RunResult(NotPublished.exit_code, began_at, ended_at, message=message, advice=advice)


def as_json(result: RunResult) -> dict[str, Any]:
    """Return the result for programs: always the same members, those of the summary null without a published run."""
    growth = growth_per_run(result.manifest) if result.manifest else None
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
        "lake_growth_bytes": None if growth is None else round(growth),
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

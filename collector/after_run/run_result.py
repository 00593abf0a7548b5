"""How a night ended, published or not: the one value from which everything told afterwards is made."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from collector.errors import CollectorError, NotPublished
from collector.run.finalize import RunSummary

NOT_PUBLISHED = "not_published"


class PublishedRun(msgspec.Struct, frozen=True):
    """The newest night that stands in the lake. Times are UTC."""

    run_id: str
    status: str
    finished_at: datetime


class RunResult(msgspec.Struct, frozen=True):
    """A night that has ended. `summary` is None when nothing was published, and then `message` and `advice` say why.

    `newest` and `newest_complete` are what the lake holds afterwards, tonight's among them.
    """

    exit_code: int
    began_at: datetime
    ended_at: datetime
    summary: RunSummary | None = None
    message: str = ""
    advice: str = ""
    newest: PublishedRun | None = None
    newest_complete: PublishedRun | None = None
    lake_bytes: int | None = None
    lake_growth: int | None = None

    @property
    def status(self) -> str:
        """`complete`, `partial` or `not_published`."""
        return NOT_PUBLISHED if self.summary is None else self.summary.status


def failed(error: Exception, began_at: datetime, ended_at: datetime) -> RunResult:
    """Return the ending of a night that published nothing."""
    if isinstance(error, CollectorError):
        return RunResult(error.exit_code, began_at, ended_at, None, str(error), error.advice)
    return RunResult(
        NotPublished.exit_code,
        began_at,
        ended_at,
        None,
        f"A fault of the program ended the night ({type(error).__name__}).",
        "What was published before stands. The log holds the details; please report them.",
    )


def as_json(ending: RunResult) -> dict[str, Any]:
    """Return the ending for programs: always the same members, those of the summary null when nothing was published."""
    summary: dict[str, Any] = dict.fromkeys(RunSummary.__struct_fields__)
    if ending.summary is not None:
        summary = msgspec.to_builtins(ending.summary)
    return {
        **summary,
        "status": ending.status,
        "exit_code": ending.exit_code,
        "began_at": moment(ending.began_at),
        "ended_at": moment(ending.ended_at),
        "message": ending.message or None,
        "advice": ending.advice or None,
        "newest_run_id": ending.newest.run_id if ending.newest else None,
        "lake_bytes": ending.lake_bytes,
        "lake_growth_bytes": ending.lake_growth,
    }


def moment(when: datetime) -> str:
    """Return a time as ISO 8601 in whole seconds, UTC, with a Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What is done once a night has ended, published or not. No step can fail the night, or keep the next step from its work."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from collector.after_run import message as messages
from collector.after_run import metrics
from collector.after_run.output_file import replace_file
from collector.after_run.retention import tidy
from collector.after_run.run_result import PublishedRun, RunResult, as_json
from collector.after_run.webhook import WebhookFailed, post
from collector.errors import CollectorError, Interrupted
from collector.lake.growth import nightly_growth
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.run.finalize import RunSummary
from collector.settings.declarations import AfterRun, Settings

_WRITE_TIMEOUT_S: Final = 5.0


def after(settings: Settings, ending: RunResult) -> RunResult:
    """Tidy the lake and tell of the night, as far as the settings ask for it; returns the ending with the lake's size."""
    wanted = settings.after_run
    if ending.summary is not None:
        structlog.contextvars.bind_contextvars(run_id=ending.summary.run_id)
        if ending.summary.clock_is_wrong:
            _warn_of_the_clock(ending.summary, keep=wanted.keep_days is not None)
    if ending.summary is not None and (wanted.keep_days is not None or wanted.compact):
        _try("keeping", lambda: _keep(settings, ending))
    ending = _with_lake(settings.lake, ending)
    if (summary_file := wanted.summary_file) is not None:
        _try("summary file", lambda: _write(summary_file, _json(ending)))
    if (metrics_file := wanted.metrics_file) is not None:
        _try("metrics file", lambda: _write(metrics_file, metrics.write(metrics_file, ending)))
    if wanted.message_file is not None or wanted.notify_url is not None:
        _try("morning message", lambda: _tell(settings.lake, wanted, ending))
    return ending


def _write(path: Path, content: str) -> None:
    # Other users read it: the node exporter, a mail job. A pipe that nothing reads must not hold up the steps that follow.
    replace_file(path, content, mode=0o644, write_timeout_s=_WRITE_TIMEOUT_S)


def _try(what: str, step: Callable[[], None]) -> None:
    log = structlog.get_logger()
    try:
        step()
    except (CollectorError, WebhookFailed) as error:
        log.warning("not done after the night", what=what, why=str(error), advice=getattr(error, "advice", None))
    except OSError as error:
        log.warning("not done after the night", what=what, why=error.strerror, path=error.filename)
    except Exception as error:
        # Whatever it is, the night stands. The class is enough to find it; its text might hold anything.
        log.error("not done after the night", what=what, why=f"fault of the program: {type(error).__name__}")


def _warn_of_the_clock(summary: RunSummary, *, keep: bool) -> None:
    skew_s = summary.clock_skew_seconds or 0.0
    kept = "; old runs are not dropped" if keep else ""
    structlog.get_logger().warning(
        "the clock is wrong",
        why=f"this machine's clock and the Date that Buddy sends are {abs(skew_s):,.0f} seconds apart{kept}",
        clock="ahead" if skew_s < 0 else "behind",
        advice=f"Set this machine's clock. This run is dated {summary.run_date}.",
    )


def _keep(settings: Settings, ending: RunResult) -> None:
    wanted = settings.after_run
    wrong = ending.summary is not None and ending.summary.clock_is_wrong
    keep_days = None if wrong else wanted.keep_days
    done = tidy(settings.lake, keep_days=keep_days, merge_months=wanted.compact, now=ending.ended_at)
    structlog.get_logger().info("tidied", **done)


def _tell(lake: Path, wanted: AfterRun, ending: RunResult) -> None:
    rows = messages.rows_of(lake) if ending.summary is not None else []
    told = messages.morning(ending, rows)
    if (path := wanted.message_file) is not None:
        _try("message file", lambda: _write(path, messages.written(path, ending, told)))
    # Whoever interrupts a night knows it already.
    if (url := wanted.notify_url) is not None and ending.exit_code != Interrupted.exit_code:
        _try("notify", lambda: post(url, messages.payload(ending, told)))


def _json(ending: RunResult) -> str:
    return msgspec.json.format(msgspec.json.encode(as_json(ending)), indent=1).decode() + "\n"


def _with_lake(path: Path, ending: RunResult) -> RunResult:
    """Add what the lake holds now; as it is when the lake can't be read."""
    try:
        manifest = Lake.open(path).manifest
    except (CollectorError, OSError):
        return ending
    newest = [_published(run) for run in manifest.runs]
    growth = nightly_growth(manifest)
    return msgspec.structs.replace(
        ending,
        newest=newest[-1] if newest else None,
        newest_complete=next((run for run in reversed(newest) if run.status == "complete"), None),
        lake_bytes=sum(entry.bytes for entries in manifest.tables.values() for entry in entries),
        lake_growth=None if growth is None else round(growth),
    )


def _published(run: RunEntry) -> PublishedRun:
    return PublishedRun(run.run_id, run.status, run.finished_at)

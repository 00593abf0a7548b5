"""The steps after a run, published or not. No step can fail the run or keep the next step from being done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog

from collector.after_run.message import as_payload, message_file_text, morning_message, morning_rows
from collector.after_run.metrics import metrics_text
from collector.after_run.output_file import read_regular, replace_file
from collector.after_run.retention import tidy
from collector.after_run.run_result import RunResult, as_json
from collector.after_run.webhook import WebhookFailed, post
from collector.errors import CollectorError, Interrupted
from collector.lake.lake import Lake
from collector.lake.manifest import growth_per_run
from collector.run.summary import RunSummary
from collector.settings.declarations import AfterRun, Settings

_WRITE_TIMEOUT_S: Final = 5.0


def run_steps(settings: Settings, result: RunResult) -> RunResult:
    """Do what the settings ask for after a run; return the result with what the lake holds now."""
    wanted, summary = settings.after_run, result.summary
    if summary is not None:
        structlog.contextvars.bind_contextvars(run_id=summary.run_id)
        keep_days = wanted.keep_days
        if summary.clock_is_wrong:
            _warn_about_clock(summary, keep=keep_days is not None)
            keep_days = None
        if wanted.keep_days is not None or wanted.compact:
            with _step("retention"):
                done = tidy(settings.lake, keep_days=keep_days, merge_months=wanted.compact, now=result.ended_at)
                structlog.get_logger().info("tidied", **done)
    result = _with_lake(settings.lake, result)
    if wanted.summary_file is not None:
        with _step("summary file"):
            summary_json = msgspec.json.format(msgspec.json.encode(as_json(result)), indent=1)
            _write(wanted.summary_file, summary_json.decode() + "\n")
    if wanted.metrics_file is not None:
        with _step("metrics file"):
            _write(wanted.metrics_file, metrics_text(result, read_regular(wanted.metrics_file)))
    if wanted.message_file is not None or wanted.notify_url is not None:
        with _step("morning message"):
            _send_message(settings.lake, wanted, result)
    return result


@contextmanager
def _step(what: str) -> Iterator[None]:
    log = structlog.get_logger()
    try:
        yield
    except (CollectorError, WebhookFailed) as error:
        log.warning("not done after the run", what=what, why=str(error), advice=getattr(error, "advice", None))
    except OSError as error:
        log.warning("not done after the run", what=what, why=error.strerror, path=error.filename)
    except Exception as error:
        # The class is enough to find the fault; its text might hold anything.
        log.error("not done after the run", what=what, why=f"fault of the program: {type(error).__name__}")


def _warn_about_clock(summary: RunSummary, *, keep: bool) -> None:
    skew_s = summary.clock_skew_seconds or 0.0
    consequence = "; old runs are not dropped" if keep else ""
    structlog.get_logger().warning(
        "the clock is wrong",
        why=f"this machine's clock and the Date that Buddy sends are {abs(skew_s):,.0f} seconds apart{consequence}",
        clock="ahead" if skew_s < 0 else "behind",
        advice=f"Set this machine's clock. This run is dated {summary.run_date}.",
    )


def _with_lake(path: Path, result: RunResult) -> RunResult:
    """Return the result with what the lake holds now; unchanged when the lake cannot be read."""
    try:
        manifest = Lake.open(path).manifest
    except (CollectorError, OSError):
        return result
    growth = growth_per_run(manifest)
    return msgspec.structs.replace(
        result,
        newest=manifest.latest,
        newest_complete=next((run for run in reversed(manifest.runs) if run.status == "complete"), None),
        lake_bytes=sum(entry.bytes for entries in manifest.tables.values() for entry in entries),
        lake_growth=None if growth is None else round(growth),
    )


def _send_message(lake: Path, wanted: AfterRun, result: RunResult) -> None:
    message = morning_message(result, [] if result.summary is None else morning_rows(lake))
    if wanted.message_file is not None:
        with _step("message file"):
            _write(wanted.message_file, message_file_text(wanted.message_file, result, message))
    # Whoever interrupts a run knows it already.
    if wanted.notify_url is not None and result.exit_code != Interrupted.exit_code:
        with _step("notify"):
            post(wanted.notify_url, as_payload(result, message))


def _write(path: Path, content: str) -> None:
    # Other users read it: the node exporter, a mail job. A pipe without a reader must not hold up the next steps.
    replace_file(path, content, mode=0o644, write_timeout_s=_WRITE_TIMEOUT_S)

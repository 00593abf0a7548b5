"""The steps after a run, published or not. No step can fail the run or keep the next step from being done."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from collector.after_run.message import MAX_LINES, as_payload, message_file_text, morning_message
from collector.after_run.output_file import replace_file
from collector.after_run.run_result import RunResult, as_json
from collector.after_run.webhook import WebhookFailed, post
from collector.errors import CollectorError, Interrupted, LakeBusy
from collector.extras import needs_extra
from collector.lake import delta
from collector.lake.lake import Lake
from collector.query import catalog
from collector.query.certainty import certainties
from collector.query.kept_views import are_current, keep_views
from collector.query.reader import open_lake
from collector.query.sql_files import read_folder, sql_folder
from collector.run.summary import RunSummary
from collector.settings.declarations import AfterRun, Settings
from collector.settings.lake_place import LakePlace


def run_steps(settings: Settings, result: RunResult) -> None:
    """Do what the settings ask for after a run."""
    wanted, summary, lake = settings.after_run, result.summary, settings.lake
    if summary is not None:
        structlog.contextvars.bind_contextvars(run_id=summary.run_id)
        keep_days = wanted.keep_days
        if summary.clock_is_wrong:
            _warn_about_clock(summary, keep=keep_days is not None)
            keep_days = None
        if wanted.keep_days is not None or wanted.compact:
            with _step("retention"):
                _tidy(lake, keep_days=keep_days, merge_months=wanted.compact, now=result.ended_at)
        with _step("kept views"), suppress(LakeBusy):  # another command, which keeps them at its end
            _keep_views(lake, now=result.ended_at)
    with suppress(CollectorError, OSError):
        result = msgspec.structs.replace(result, manifest=Lake.open(lake).manifest)
    unguarded = None
    if summary is not None and (wanted.metrics_file or wanted.message_file or wanted.notify_url):
        with _step("count of unguarded promotions"):
            unguarded = certainties(open_lake(lake).ask("unguarded_production").table)
    if wanted.summary_file is not None:
        with _step("summary file"):
            _write(wanted.summary_file, json.dumps(as_json(result), ensure_ascii=False, indent=1) + "\n")
    if (path := wanted.metrics_file) is not None:
        with _step("metrics file"):
            from collector.after_run.metrics import metrics_text

            # Only a regular file: reading a pipe or a device may never end.
            old_text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            releases = _releases(lake) if summary else None
            _write(path, metrics_text(result, old_text, releases, unguarded))
    if wanted.report_file is not None and summary is not None:
        with _step("report file"):
            _write(wanted.report_file, _report(lake, result.ended_at))
    if wanted.message_file is not None or wanted.notify_url is not None:
        with _step("morning message"):
            _send_message(lake, wanted, result, unguarded)


def _tidy(place: LakePlace, *, keep_days: int | None, merge_months: bool, now: datetime) -> None:
    """Drop runs older than `keep_days` (None: keep all), then merge past months.

    Raises LakeBusy, LakeError and NotPublished; the lake loses nothing else whatever is raised.
    """
    # Here, because they import pyarrow.compute, which a run without retention does not need.
    from collector.lake.compact import compact
    from collector.lake.prune import prune

    lake = Lake.open(place)
    done: dict[str, int] = {}
    with lake.writing("retention", now):
        if keep_days is not None:
            done["nights_dropped"] = len(prune(lake, keep_days=keep_days, now=now).runs)
        if merge_months:
            done["files_merged"] = sum(each.files_before for each in compact(lake, now=now))
        # The catalog names files; its readers must not get superseded ones.
        with suppress(CollectorError, OSError):
            catalog.ensure(lake)
        structlog.get_logger().info("tidied", **done)
        delta.follow(lake, now)


def _keep_views(place: LakePlace, *, now: datetime) -> None:
    lake = Lake.open(place)
    if not are_current(lake):
        with lake.writing("kept views", now):
            keep_views(lake)


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


def _releases(lake: LakePlace) -> dict[str, int] | None:
    """Return the number of releases of the newest run by environment; None where the lake cannot tell."""
    sql = read_folder(sql_folder() / "status")["releases"].text
    with suppress(CollectorError):
        return {row["environment"]: row["releases"] for row in open_lake(lake).sql(sql).table.to_pylist()}
    return None


def _report(lake: LakePlace, made_at: datetime) -> str:
    """Return the page about the newest run. Raises UsageError where the extra is missing."""
    with needs_extra("report"):
        from collector.report import collect_contents, render

    return render(collect_contents(open_lake(lake), "latest", made_at))


def _send_message(lake: LakePlace, wanted: AfterRun, result: RunResult, unguarded: dict[str, int] | None) -> None:
    rows = open_lake(lake).ask("morning", lines=MAX_LINES).table.to_pylist() if result.summary else []
    message = morning_message(result, rows, unguarded)
    if wanted.message_file is not None:
        with _step("message file"):
            _write(wanted.message_file, message_file_text(wanted.message_file, result, message))
    # Whoever interrupts a run knows it already.
    if wanted.notify_url is not None and result.exit_code != Interrupted.exit_code:
        with _step("notify"):
            post(wanted.notify_url, as_payload(result, message))


def _write(path: Path, content: str) -> None:
    # Other users read it: the node exporter, a mail job. A pipe without a reader must not hold up the next steps.
    replace_file(path, content, mode=0o644, write_timeout_s=5.0)

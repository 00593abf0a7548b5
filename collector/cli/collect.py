"""`collector collect`: one run with live progress, and what follows it: files, message, metrics, retention."""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.failures import EXIT_CODES
from collector.cli.output import duration_text, write_json, write_text
from collector.cli.streams import StdoutError
from collector.errors import SettingsError
from collector.settings.declarations import Settings
from collector.settings.escape import escape

if TYPE_CHECKING:
    import random

    from collector.run.finalize import RunSummary
    from collector.run.progress import Observer

EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."


@options.takes_settings()
def collect(
    flags: Mapping[str, object],
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be requested, judging by the last run; send nothing.")
    ] = False,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Collect once: crawl, check, publish. An interrupted run is resumed automatically."""
    from collector.cli import logging as logs

    if (flags["log_format"] or os.environ.get("COLLECTOR_LOG_FORMAT")) == "json":
        logs.set_up("json", "info")  # a missing token is logged as JSON too
    try:
        settings = options.settings_from(flags, needs_token=True)
    except SettingsError as error:
        if not dry:
            _after_unstarted_run(error, flags)
        raise
    if dry:
        _show_plan(settings, form)
        return 0
    from collector.cli.progress import observing

    live = terminal.is_interactive() and settings.log_format == "text"
    # A person watches the display, so lines are for warnings only; under cron the lines are all there is.
    logs.set_up(settings.log_format, "warning" if live and settings.log_level == "info" else settings.log_level)
    with observing(live=live) as observer:
        summary = collect_and_follow_up(settings, observer)
    if not live:
        logs.log_published(summary)
    try:
        if form is options.FactFormat.json:
            write_json(summary)
        else:
            write_text(summary_line(summary) + "\n", None)
    except StdoutError as error:
        # The run is published whether this line is read or not: another exit code would have it collected again.
        if not error.reader_left:
            logs.log_output_error(error)
    return summary.exit_code


def collect_and_follow_up(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: "random.Random | None" = None,
) -> "RunSummary":
    """Collect once, with a forecast, and do what the settings ask for afterwards, also when the run fails."""
    from collector.after_run.run_result import RunResult, failed_run
    from collector.after_run.steps import run_steps
    from collector.cli.signals import collect_with_signals
    from collector.preflight.forecast import ForecastObserver
    from collector.preflight.plan import last_costs

    started_at = now()
    forecasting = ForecastObserver(observer, settings, last_costs(settings.lake), now)
    try:
        summary = collect_with_signals(settings, forecasting, now=now, rng=rng)
    except Exception as error:
        forecasting.bind_run()
        run_steps(settings, failed_run(error, started_at, now()))
        raise
    run_steps(settings, RunResult(summary.exit_code, started_at, now(), summary))
    return summary


def _after_unstarted_run(error: SettingsError, flags: Mapping[str, object]) -> None:
    """Do the steps after a run for one that could not start, as far as the settings are readable.

    A monitor must hear of a token file that is gone, and not only notice that nothing comes any more.
    """
    from collector.after_run.run_result import failed_run
    from collector.after_run.steps import run_steps
    from collector.cli import logging as logs

    try:
        settings = options.settings_from(flags, needs_token=False)
    except SettingsError:
        return
    logs.set_up(settings.log_format, settings.log_level)
    now = datetime.now(UTC)
    run_steps(settings, failed_run(error, now, now))


def _show_plan(settings: Settings, form: options.FactFormat) -> None:
    from collector.preflight.plan import describe, make_plans

    plans = make_plans(settings)
    if form is options.FactFormat.json:
        write_json(plans)
        return
    for plan in plans:
        for line in describe(plan, settings, datetime.now(UTC)):
            sys.stdout.write(escape(line) + "\n")
    sys.stdout.write("This is the plan; nothing was sent. `collector doctor` asks Buddy for the budget.\n")


def summary_line(summary: "RunSummary") -> str:
    """Return the outcome of a run as one line for people."""
    seconds = (summary.finished_at - summary.started_at).total_seconds()
    changes = ", ".join(f"{count} {kind}" for kind, count in summary.changes.items() if count) or "nothing"
    count = sum(summary.problems.values())
    # A complete run may have problems too, which hide nothing that was asked for.
    question = "problems_last_night" if summary.status == "complete" else "coverage_last_night"
    problems = f"; {count} problem{'s' * (count != 1)} (collector ask {question})" if count else ""
    return (
        f"{summary.run_id} {summary.status}: {summary.rows.get('promote_image_actions', 0):,} promote-image actions; "
        f"changed: {changes}; {summary.requests:,} requests in {duration_text(seconds)}{problems}"
    )

"""`collector collect`: one run with live progress, and what follows it: files, message, metrics, retention."""

import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.failures import EXIT_CODES, keep_exit_code
from collector.cli.output import write_facts
from collector.cli.streams import StdoutError
from collector.errors import Interrupted, SettingsError
from collector.settings.declarations import Settings
from collector.settings.durations import duration_text

if TYPE_CHECKING:
    import asyncio

    from collector.run.progress import Observer
    from collector.run.summary import RunSummary

EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."


@options.takes_settings()
def collect(
    flags: Mapping[str, object],
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be requested, judging by the last run; send nothing.")
    ] = False,
    installation: options.Installations = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Collect once: crawl, check, publish. An interrupted run is resumed automatically."""
    import structlog

    from collector.cli import logging as logs

    flags = {**flags, "installation": installation}
    if (flags["log_format"] or os.environ.get("COLLECTOR_LOG_FORMAT")) == "json":
        logs.set_up("json", "info")  # a missing token is logged as JSON too
    try:
        settings = options.settings_from(flags, needs_token=True)
    except SettingsError as error:
        # A monitor must hear of a token file that is gone, as far as the settings are readable.
        with suppress(SettingsError):
            settings = options.settings_from(flags, needs_token=False)
            if not dry:
                logs.set_up(settings.log_format, settings.log_level)
                _after_failure(settings, error, datetime.now(UTC), datetime.now(UTC))
        raise
    if dry:
        from collector.preflight.plan import make_plans
        from collector.preflight.plan_text import describe

        now = datetime.now(UTC)
        plans = make_plans(settings, now)
        lines = [line for plan in plans for line in describe(plan, settings, now)]
        lines.append("This is the plan; nothing was sent. `collector doctor` asks Buddy for the budget.")
        write_facts(plans, lines, form)
        return 0
    from collector.cli.progress import observing

    live = terminal.is_interactive() and settings.log_format == "text"
    # A person watches the display, so lines are for warnings only; under cron the lines are all there is.
    level = terminal.log_level(settings.log_level)
    logs.set_up(settings.log_format, "warning" if live and level == "info" else level)
    with observing(live=live) as observer:
        summary = collect_and_follow_up(settings, observer)
    if not live:
        observer.event(summary)
    try:
        with keep_exit_code():
            write_facts(summary, [summary_line(summary)], form)
    except StdoutError as error:
        # The run is published whether this line is read or not: another exit code would have it collected again.
        structlog.get_logger().warning("not done after the run", what="summary on stdout", why=error.strerror)
    return summary.exit_code


def collect_with_signals(
    settings: Settings, observer: "Observer", now: Callable[[], datetime], rng: random.Random
) -> "RunSummary":
    """Collect once and return the summary; the first SIGINT or SIGTERM drains the run, the second exits at once."""
    import asyncio

    from collector.run.collect import collect
    from collector.run.context import RunContext

    async def main() -> "RunSummary":
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _stop_or_exit, stop)
        return await collect(settings, RunContext(now, rng, observer, stop))

    return asyncio.run(main())


def _stop_or_exit(stop: "asyncio.Event") -> None:
    if stop.is_set():
        sys.stderr.write("collector: Stopped at once. Nothing is lost; run `collector collect` again.\n")
        sys.stderr.flush()
        # No clean-up: it would wait for a thread that writes Parquet, and the journal has every reply already.
        os._exit(Interrupted.exit_code)
    stop.set()


def collect_and_follow_up(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> "RunSummary":
    """Collect once, with a forecast, and do what the settings ask for afterwards, also when the run fails."""
    from collector.after_run.run_result import RunResult
    from collector.after_run.steps import run_steps
    from collector.preflight.forecast import ForecastObserver
    from collector.preflight.plan import expected_costs

    started_at = now()
    forecasting = ForecastObserver(observer, settings, expected_costs(settings, started_at), now)
    try:
        summary = collect_with_signals(settings, forecasting, now, rng or random.Random())
    except Exception as error:
        forecasting.bind_run()
        _after_failure(settings, error, started_at, now())
        raise
    run_steps(settings, RunResult(summary.exit_code, started_at, now(), summary))
    return summary


def _after_failure(settings: Settings, error: Exception, started_at: datetime, ended_at: datetime) -> None:
    from collector.after_run.run_result import failed_run
    from collector.after_run.steps import run_steps

    run_steps(settings, failed_run(error, started_at, ended_at))


def summary_line(summary: "RunSummary") -> str:
    """Return the outcome of a run as one line for people."""
    seconds = (summary.finished_at - summary.started_at).total_seconds()
    count = sum(summary.problems.values())
    # A complete run may have problems too, which hide nothing that was asked for.
    question = "problems_last_night" if summary.status == "complete" else "coverage_last_night"
    problems = f"; {count} problem{'s' * (count != 1)} (collector ask {question})" if count else ""
    seen = f"{summary.rows.get('promote_image_actions', 0):,} promote-image actions"
    if summary.carried:
        seen += f" ({summary.carried_text})"
    if _reads_executions(summary):
        seen += f", {summary.rows.get('executions', 0):,} executions"
    return (
        f"{summary.run_id} {summary.status}: {seen}; "
        f"changed: {summary.changed}; {summary.requests:,} requests in {duration_text(seconds)}{problems}"
    )


def _reads_executions(summary: "RunSummary") -> bool:
    return bool(set(summary.coverage.get("execution_lists", ())) - {"not_asked"})

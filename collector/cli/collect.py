"""`collector collect`: one night, watched and interruptible."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.failures import EXIT_CODES
from collector.cli.streams import StdoutError
from collector.cli.summary_line import one_line
from collector.errors import SettingsError

if TYPE_CHECKING:
    from collector.run.finalize import RunSummary

_EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect", epilog=_EPILOG)(collect)


def collect(
    config: options.Config = None,
    lake: options.Lake = None,
    workspaces: options.Workspaces = None,
    projects: options.Projects = None,
    requests_per_second: options.RequestsPerSecond = None,
    reserve: options.Reserve = None,
    concurrency: options.Concurrency = None,
    max_duration: options.MaxDuration = None,
    keep_raw: options.KeepRaw = False,
    variable_values: options.VariableValues = None,
    ca_bundle: options.CaBundle = None,
    allow_http: options.AllowHttp = False,
    summary_file: options.SummaryFile = None,
    message_file: options.MessageFile = None,
    metrics_file: options.MetricsFile = None,
    notify_url: options.NotifyUrl = None,
    keep: options.Keep = None,
    compact: options.Compact = False,
    log_format: options.LogFormat = None,
    log_level: options.LogLevel = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be asked, by what the last night saw; send nothing.")
    ] = False,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Collect one night: crawl, check, publish. An interrupted run is continued by itself."""
    from collector.cli import logging as logs

    if (log_format or os.environ.get("COLLECTOR_LOG_FORMAT")) == "json":
        logs.set_up("json", "info")  # a token that is missing is told in JSON too
    given: dict[str, object] = {
        "config": config,
        "lake": lake,
        "workspaces": workspaces,
        "projects": projects,
        "requests_per_second": requests_per_second,
        "reserve": reserve,
        "concurrency": concurrency,
        "max_duration": max_duration,
        "keep_raw": keep_raw,
        "variable_values": variable_values,
        "ca_bundle": ca_bundle,
        "allow_http": allow_http,
        "summary_file": summary_file,
        "message_file": message_file,
        "metrics_file": metrics_file,
        "notify_url": notify_url,
        "keep": keep,
        "compact": compact,
        "log_format": log_format,
        "log_level": log_level,
    }
    try:
        settings = options.settings_from(given, needs_token=True)
    except SettingsError as error:
        if not dry:
            _tell_of(error, given)
        raise
    from collector.cli.nightly import dry_run, nightly

    if dry:
        return dry_run(settings, form)
    from collector.cli.progress import observing

    live = terminal.watched() and settings.log_format == "text"
    # A person sees the display; lines are for what needs attention. Under cron the lines are all there is.
    logs.set_up(settings.log_format, "warning" if live and settings.log_level == "info" else settings.log_level)
    with observing(live=live) as observer:
        summary = nightly(settings, observer)
    if not live:
        logs.published(summary)
    try:
        _show(summary, form)
    except StdoutError as error:
        # The run is published whether this line is read or not: another exit code would have it collected again.
        if not error.reader_left:
            logs.untold(error)
    return summary.exit_code


def _tell_of(error: SettingsError, given: dict[str, object]) -> None:
    """Tell of a night that could not begin, as of any other that published nothing, where the settings still say to whom:
    a token's file that is gone must not be noticed by the silence only.
    """
    from collector.cli import logging as logs
    from collector.cli.nightly import not_begun

    try:
        settings = options.settings_from(given, needs_token=False)
    except SettingsError:
        return
    logs.set_up(settings.log_format, settings.log_level)
    not_begun(settings, error)


def _show(summary: "RunSummary", form: options.FactFormat) -> None:
    if form is options.FactFormat.json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")  # UTF-8 whatever the locale
    else:
        sys.stdout.write(one_line(summary) + "\n")
    sys.stdout.flush()

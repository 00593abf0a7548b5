"""`collector collect`: one night, watched and interruptible."""

import os
import sys
from collections.abc import Mapping
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


@options.takes_settings()
def collect(
    flags: Mapping[str, object],
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be asked, by what the last night saw; send nothing.")
    ] = False,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Collect one night: crawl, check, publish. An interrupted run is continued by itself."""
    from collector.cli import logging as logs

    if (flags["log_format"] or os.environ.get("COLLECTOR_LOG_FORMAT")) == "json":
        logs.set_up("json", "info")  # a missing token is logged as JSON too
    try:
        settings = options.settings_from(flags, needs_token=True)
    except SettingsError as error:
        if not dry:
            _tell_of(error, flags)
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


def _tell_of(error: SettingsError, flags: Mapping[str, object]) -> None:
    """Tell of a night that could not begin, as of any other that published nothing, where the settings still say to whom:
    a token's file that is gone must not be noticed by the silence only.
    """
    from collector.cli import logging as logs
    from collector.cli.nightly import not_begun

    try:
        settings = options.settings_from(flags, needs_token=False)
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

"""`collector doctor`: find out whether a run would succeed, and say what to do where it would not."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.cli import options, terminal
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_facts
from collector.settings.escape import escape
from collector.settings.tokens import TokenUnavailable

if TYPE_CHECKING:
    from collector.preflight.doctor_result import DoctorResult


@options.takes_settings(
    "lake", "work_dir", "assume_single_writer", "workspaces", "projects", "executions", "refresh", "reserve",
    "max_duration", "max_requests", "ca_bundle", "allow_http", "proxy",
)  # fmt: skip
def doctor(
    flags: Mapping[str, object],
    installation: options.Installations = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Check whether a run would succeed. Checks token, scopes, workspaces, executions, budget, clock and lake."""
    flags, missing = {**flags, "installation": installation}, None
    try:
        settings = options.settings_from(flags, needs_token=True)
    except TokenUnavailable as error:
        settings, missing = options.settings_from(flags, needs_token=False), error
    import asyncio

    from collector.cli import logging as logs
    from collector.preflight.doctor import run_checks, without_token
    from collector.preflight.plan import execution_requests, expected_costs

    logs.set_up(settings.log_format, "error")

    results: list[tuple[str, DoctorResult]] = []

    def add(installation: str, result: "DoctorResult") -> None:
        results.append((installation, result))
        if form is options.FactFormat.text:
            with keep_exit_code():
                sys.stdout.write(_line(installation, result))

    async def examine() -> None:
        now = datetime.now(UTC)
        costs, requests = expected_costs(settings, now), execution_requests(settings, now)
        async for installation, result in run_checks(settings, lambda: datetime.now(UTC), costs, requests):
            add(installation, result)

    asyncio.run(examine())
    for result in without_token(missing) if missing else ():
        add("", result)
    with keep_exit_code():
        write_facts([{"installation": name or None, **vars(result)} for name, result in results], (), form)
    levels = {result.level for _, result in results}
    return 2 if "error" in levels else 1 if "warning" in levels else 0


def _line(installation: str, result: "DoctorResult") -> str:
    from collector.cli.text_table import draw_list

    about = f"{installation}: {result.about}" if installation else result.about
    advice = f" {result.advice}" if result.advice and result.level != "ok" else ""
    text = f"{about}: {result.message}.{advice}".replace("..", ".")
    level = "ERROR" if result.level == "error" else result.level
    return draw_list([(f"{level:<7}", escape(terminal.without_secrets(text)))], terminal.width_of(sys.stdout))

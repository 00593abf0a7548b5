"""`collector doctor`: find out whether a run would succeed, and say what to do where it would not."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.cli import options, terminal
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_facts
from collector.settings.escape import escape

if TYPE_CHECKING:
    from collector.preflight.doctor_result import DoctorResult


@options.takes_settings(
    "lake", "work_dir", "assume_single_writer", "workspaces", "projects", "executions", "reserve", "max_duration",
    "ca_bundle", "allow_http", "proxy",
)  # fmt: skip
def doctor(
    flags: Mapping[str, object],
    installation: options.Installations = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Check whether a run would succeed. Checks token, scopes, workspaces, executions, budget, clock and lake."""
    settings = options.settings_from({**flags, "installation": installation}, needs_token=True)
    import asyncio

    from collector.cli import logging as logs
    from collector.preflight.doctor import run_checks
    from collector.preflight.plan import execution_requests, last_costs

    logs.set_up(settings.log_format, "error")

    async def examine() -> list[tuple[str, "DoctorResult"]]:
        results = []
        costs, requests = last_costs(settings.lake), execution_requests(settings)
        async for installation, result in run_checks(settings, lambda: datetime.now(UTC), costs, requests):
            results.append((installation, result))
            if form is options.FactFormat.text:
                with keep_exit_code():
                    sys.stdout.write(_line(installation, result))
        return results

    results = asyncio.run(examine())
    with keep_exit_code():
        write_facts([{"installation": name or None, **vars(result)} for name, result in results], (), form)
    levels = {result.level for _, result in results}
    return 2 if "error" in levels else 1 if "warning" in levels else 0


def _line(installation: str, result: "DoctorResult") -> str:
    about = f"{installation}: {result.about}" if installation else result.about
    advice = f" {result.advice}" if result.advice and result.level != "ok" else ""
    text = f"{about}: {result.message}.{advice}".replace("..", ".")
    level = "ERROR" if result.level == "error" else result.level
    return f"{level:<7}  {escape(terminal.without_secrets(text))}\n"

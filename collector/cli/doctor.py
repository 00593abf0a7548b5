"""`collector doctor`: is everything ready for a night, and if not, what to do."""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer

from collector.cli import options, terminal
from collector.cli.failures import until_reader_leaves

if TYPE_CHECKING:
    from collector.preflight.doctor import DoctorResult

_COST: Final = """
select installation, requests, epoch(finished_at - started_at) as seconds
from runs
where run_id in (select run_id from selected_run)
"""
_SIGNS: Final = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog="Exit codes: 0 all is well; 1 warnings; 2 a night would fail.")(doctor)


@options.takes_settings("lake", "workspaces", "projects", "reserve", "max_duration", "ca_bundle", "allow_http")
def doctor(flags: Mapping[str, object], form: options.FactsFormat = options.FactFormat.text) -> int:
    """Check token, scopes, workspaces, budget, clock and lake before a night; say what to do about each."""
    settings = options.settings_from(flags, needs_token=True)
    from collector.cli import logging as logs
    from collector.preflight.doctor import run_checks
    from collector.preflight.last_cost import last_costs

    logs.set_up(settings.log_format, "error")

    async def look() -> list[tuple[str, "DoctorResult"]]:
        found = []
        async for where, finding in run_checks(settings, lambda: datetime.now(UTC), last_costs(settings.lake)):
            found.append((where, finding))
            if form is options.FactFormat.text:
                with until_reader_leaves():
                    sys.stdout.write(_line(where, finding))
        return found

    found = asyncio.run(look())
    levels = {finding.level for _, finding in found}
    if form is options.FactFormat.json:
        listed = [{"installation": where or None, **vars(finding)} for where, finding in found]
        with until_reader_leaves():
            sys.stdout.write(terminal.without_secrets(json.dumps(listed, ensure_ascii=False, indent=1)) + "\n")
    return 2 if "error" in levels else 1 if "warning" in levels else 0


def _line(where: str, finding: "DoctorResult") -> str:
    about = f"{where}: {finding.about}" if where else finding.about
    advice = f" {finding.advice}" if finding.advice and finding.level != "ok" else ""
    words = terminal.escape(terminal.without_secrets(f"{about}: {finding.message}.{advice}".replace("..", ".")))
    return f"{_SIGNS[finding.level]}  {words}\n"

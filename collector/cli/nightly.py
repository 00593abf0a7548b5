"""A night as cron sees it: foretold, collected, told of, tidied up after; and the plan of one that is not
begun.
"""

import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.cli import options, terminal
from collector.cli.signals import night
from collector.settings.declarations import Settings

if TYPE_CHECKING:
    from collector.run.finalize import RunSummary
    from collector.run.progress import Observer


def nightly(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> "RunSummary":
    """Collect one night and do what the settings want done after it. Raises what collecting raises,
    afterwards.
    """
    from collector.after_run.run_result import RunResult, failed_run
    from collector.after_run.steps import run_steps
    from collector.preflight.forecast_observer import ForecastObserver
    from collector.preflight.last_cost import last_costs

    began = now()
    announcing = ForecastObserver(observer, settings, last_costs(settings.lake), now)
    try:
        summary = night(settings, announcing, now=now, rng=rng)
    except Exception as error:
        announcing.bind_run()
        run_steps(settings, failed_run(error, began, now()))
        raise
    run_steps(settings, RunResult(summary.exit_code, began, now(), summary))
    return summary


def not_begun(settings: Settings, error: Exception) -> None:
    """Do what the settings want done after a night, of one that could not even begin."""
    from collector.after_run.run_result import failed_run
    from collector.after_run.steps import run_steps

    now = datetime.now(UTC)
    run_steps(settings, failed_run(error, now, now))


def dry_run(settings: Settings, form: options.FactFormat) -> int:
    """Print what a night would ask, from what the last one saw; not one request is sent."""
    from collector.preflight.plan import describe, make_plans

    found = make_plans(settings)
    if form is options.FactFormat.json:
        import msgspec

        sys.stdout.write(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=1) + "\n")
        return 0
    for plan in found:
        for line in describe(plan, settings, datetime.now(UTC)):
            sys.stdout.write(terminal.escape(line) + "\n")
    sys.stdout.write("This is the plan; nothing was sent. `collector doctor` asks Buddy for the budget.\n")
    return 0

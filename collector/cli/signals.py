"""Run a collection in this process and stop it on SIGINT or SIGTERM."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.errors import Interrupted
from collector.settings.declarations import Settings

if TYPE_CHECKING:
    from collector.run.progress import Observer
    from collector.run.summary import RunSummary


def collect_with_signals(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> "RunSummary":
    """Collect once and return the summary; the first SIGINT or SIGTERM drains the run, the second exits at once."""
    from collector.run.collect import collect
    from collector.run.context import RunContext

    async def main() -> "RunSummary":
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stop_or_exit, stop)
        return await collect(settings, RunContext(now, rng or random.Random(), observer, stop))

    return asyncio.run(main())


def _stop_or_exit(stop: asyncio.Event) -> None:
    if stop.is_set():
        sys.stderr.write("collector: Stopped at once. Nothing is lost; run `collector collect` again.\n")
        sys.stderr.flush()
        # No clean-up: it would wait for a thread that writes Parquet, and the journal has every reply already.
        os._exit(Interrupted.exit_code)
    stop.set()

"""A night in this process: begun, watched for signals, and left as they ask."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.errors import Interrupted
from collector.settings import Settings

if TYPE_CHECKING:
    from collector.crawl.closing import Summary
    from collector.crawl.events import Observer


def night(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> "Summary":
    """Collect one night; the first SIGINT or SIGTERM drains it, the second leaves at once (the journal has
    all).
    """
    from collector.crawl.run import World, collect

    async def until_done() -> "Summary":
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stop_or_leave, stop)
        return await collect(settings, World(now, rng or random.Random(), observer, stop))

    return asyncio.run(until_done())


def _stop_or_leave(stop: asyncio.Event) -> None:
    if stop.is_set():
        sys.stderr.write("collector: Left at once. Nothing is lost; run `collector collect` again.\n")
        sys.stderr.flush()
        # No unwinding: a thread that is writing Parquet would have to be waited for, and what it writes is
        # not named yet.
        os._exit(Interrupted.exit_code)
    stop.set()

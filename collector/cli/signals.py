"""A night in this process: begun, watched for signals, and left as they ask."""

import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.errors import Interrupted
from collector.settings.declarations import Settings

if TYPE_CHECKING:
    from collector.run.finalize import RunSummary
    from collector.run.progress import Observer


def night(
    settings: Settings,
    observer: "Observer",
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> "RunSummary":
    """Collect one night; the first SIGINT or SIGTERM drains it, the second leaves at once (the journal has
    all).
    """
    frugal_allocation()
    from collector.run.collect import collect
    from collector.run.context import RunContext

    async def until_done() -> "RunSummary":
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stop_or_leave, stop)
        return await collect(settings, RunContext(now, rng or random.Random(), observer, stop))

    with fewer_collections():
        return asyncio.run(until_done())


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Let the cyclic garbage collector look seldom: a crawl makes few cycles and very many values, and looking
    through them cost 9% of its CPU.
    """
    before = gc.get_threshold()
    gc.freeze()  # what the imports made stays anyhow
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def frugal_allocation() -> None:
    """Let Arrow take its memory from the system's allocator, unless the environment names another one.

    Its own keeps what each thread once used: 130 MB more at the height of a night of 100,000 actions. Arrow looks at the
    environment once, when its first array is made, so this comes before pyarrow is imported.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def _stop_or_leave(stop: asyncio.Event) -> None:
    if stop.is_set():
        sys.stderr.write("collector: Left at once. Nothing is lost; run `collector collect` again.\n")
        sys.stderr.flush()
        # No unwinding: a thread that is writing Parquet would have to be waited for, and what it writes is
        # not named yet.
        os._exit(Interrupted.exit_code)
    stop.set()

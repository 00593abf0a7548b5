"""What a run takes from outside, so that tests can replace it."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from collector.crawl.backoff import Limits
from collector.run.progress import Observer


@dataclass(frozen=True)
class RunContext:
    """The clock, the dice and the observer of a run. `stop` ends the crawl early; `limits` bound each request."""

    now: Callable[[], datetime]
    rng: random.Random
    observer: Observer
    stop: asyncio.Event
    limits: Limits = Limits()  # noqa: RUF009 - a frozen value

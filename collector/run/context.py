"""What a run takes from outside, so that tests can replace it."""

import asyncio
import random
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from collector.crawl.backoff import Limits
from collector.run.progress import Observer


def open_files_limit() -> int:
    """Return how many files this process may have open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


@dataclass(frozen=True)
class RunContext:
    """The clock, the dice and the observer of a run. `stop` ends the crawl early; `limits` bound each request.

    `open_files` is the limit on open files, of which the connections take a part.
    """

    now: Callable[[], datetime]
    rng: random.Random
    observer: Observer
    stop: asyncio.Event
    limits: Limits = Limits()  # noqa: RUF009 - a frozen value
    open_files: int = field(default_factory=open_files_limit)

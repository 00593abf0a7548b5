"""What an observer of a run sees: events for the log, and a snapshot for the progress line. Frozen values."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from collector.crawl.rate_limiter import RateLimiterState
from collector.run.run_stats import InstallationStats


class RunBegan(msgspec.Struct, frozen=True):
    """A run begins, or is resumed."""

    run_id: str
    started_at: datetime
    resumed_count: int
    replies_replayed: int


class ConcurrencyReduced(msgspec.Struct, frozen=True):
    """The limit on open files allows fewer requests in flight than the settings: `concurrency` of each installation.

    `in_turns`: there are more installations than connections, so they take turns.
    """

    open_files: int
    installations: int
    concurrency: int
    in_turns: bool


class Draining(msgspec.Struct, frozen=True):
    """The crawl stops early: no further request is sent, those in flight are waited for."""

    why: str


class LimitReached(msgspec.Struct, frozen=True):
    """The crawl of one installation was ended by --max-requests or --max-duration; `reached` says how far it got."""

    installation: str
    reached: str


class InstallationSkipped(msgspec.Struct, frozen=True):
    """One installation can't be asked (any more); the others continue."""

    installation: str
    why: str


class SecondRound(msgspec.Struct, frozen=True):
    """Requests that failed for a reason that may pass are asked again, as round `number`, after `wait_s` seconds.

    `failures` counts them by status or kind of failure.
    """

    installation: str
    number: int
    requests: int
    failures: dict[str, int]
    wait_s: float


class CrawlEnded(msgspec.Struct, frozen=True):
    """All replies are in the journal; checks and publishing follow."""

    run_id: str
    replies: int


class InstallationProgress(msgspec.Struct, frozen=True):
    """Progress of one installation: what its crawl has cost and found so far, and what its rate limit allows."""

    name: str
    stats: InstallationStats
    pace: RateLimiterState


class RunSnapshot(msgspec.Struct, frozen=True):
    """Progress of a run at one moment; `stage` is replay, crawl or closing."""

    run_id: str
    stage: str
    installations: tuple[InstallationProgress, ...]


class Observer(Protocol):
    """Whoever watches a run."""

    def event(self, fact: object) -> None:
        """Take note of an event of the run or the fetcher; must not block."""

    def watch(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Keep `snapshot`, which returns the progress of the run at any moment."""

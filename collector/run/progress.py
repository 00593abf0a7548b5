"""What a run tells whoever watches it: frozen facts for the log, and a snapshot for the progress line."""

from datetime import datetime
from typing import Protocol

import msgspec

from collector.crawl.rate_limiter import RateLimiterState


class RunBegan(msgspec.Struct, frozen=True):
    """A run begins, or is taken up again."""

    run_id: str
    started_at: datetime
    resumed_count: int
    replies_replayed: int


class RunAbandoned(msgspec.Struct, frozen=True):
    """An earlier run was not taken up again."""

    run_id: str
    why: str


class Draining(msgspec.Struct, frozen=True):
    """The crawl stops early: no request is begun any more, those under way are waited for."""

    why: str


class InstallationSkipped(msgspec.Struct, frozen=True):
    """One installation can't be asked (any more); the others go on."""

    installation: str
    why: str


class SecondRound(msgspec.Struct, frozen=True):
    """Requests that failed for a passing reason are asked again, as round `number`, after a pause of `wait_s` seconds.

    `failures` counts them by what went wrong.
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
    """Progress of one installation: per kind of request, how many were found and how many are done."""

    name: str
    found: dict[str, int]
    done: dict[str, int]
    waiting: int
    requests: int
    pace: RateLimiterState


class RunSnapshot(msgspec.Struct, frozen=True):
    """Progress of a run at one moment; `stage` is replay, crawl or closing."""

    run_id: str
    stage: str
    installations: tuple[InstallationProgress, ...]


class Observer(Protocol):
    """Whoever watches a run. `event` is called with every fact, the fetcher's too; `watch` once, with a way to look."""

    def event(self, fact: object) -> None:
        """Take note of a fact; must not block."""

    def watch(self, progress: "Progress") -> None:
        """Keep `progress` and call its `snapshot` whenever it suits."""


class Progress(Protocol):
    """A run that can be looked at."""

    def snapshot(self) -> RunSnapshot:
        """Return where the run stands now."""
        ...

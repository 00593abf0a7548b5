"""Which pipelines a run asks for, and in which order, by what is known of their earlier readings. Pure.

The law (design.md, section 6, "Refresh"): nothing in a complete run is older than `refresh`, and whatever the lists
show to have changed was asked in this run. The order: what was asked longest ago comes first, what was never asked
before all; a list is as old as the oldest below it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind
from collector.crawl.execution_history import digest
from collector.crawl.records import Key

# Where a request stands in the queue: the smallest first.
Rank = tuple[int, datetime]

_LISTS, _REST = 0, 1
NEVER = datetime.min  # noqa: DTZ901 - as naive as all times of the lake
FIRST: Rank = (_LISTS, NEVER)
# Why a pipeline is due although it was read within `refresh`: Buddy shows that something is new.
CHANGED, UNENDED = "its entry in the list has changed", "an execution of it had not ended"


class KnownPipeline(msgspec.Struct, frozen=True):
    """What is known of a pipeline from earlier runs; times are UTC without a zone, as the lake holds them.

    `read_at` is None unless the last reading was whole and its rows can be carried. `requests` is what that reading
    took, 0 where it is not known.
    """

    entry_hash: str | None = None
    read_at: datetime | None = None
    asked_at: datetime | None = None
    requests: int = 0
    executions_from: datetime | None = None


class RefreshPlan(msgspec.Struct, frozen=True):
    """What a run that began at `now` knows of the pipelines of one installation, and how old they may become.

    `unended` are the pipelines with an execution that had not ended. `oldest` says, by project, when the pipeline that
    was asked longest ago was asked; it is None in a run that nothing cuts short, where the order does not count. With
    `lists_first` all lists are asked before any pipeline is read. `read_with` names the columns and settings that
    decide what is kept of a reading.
    """

    now: datetime
    refresh: timedelta = timedelta()
    known: Mapping[Key, KnownPipeline] = msgspec.field(default_factory=dict)
    unended: frozenset[Key] = frozenset()
    oldest: Mapping[Key, datetime] | None = None
    lists_first: bool = False
    read_with: str = ""

    def current(self, key: Key) -> KnownPipeline | None:
        """Return what is known of a pipeline whose last reading is not older than `refresh`, None for any other."""
        known = self.known.get(key)
        if known is None or known.read_at is None or not self.refresh:
            return None
        # A reading that lies in the future was made under a wrong clock.
        return known if timedelta() <= self.now - known.read_at <= self.refresh else None

    def news(self, key: Key, entry: Mapping[str, Any]) -> str | None:
        """Return what is new about a pipeline that was read within `refresh`, by its entry in the list; None if not."""
        known = self.known.get(key)
        if known is None or known.entry_hash != digest(entry):
            return CHANGED
        return UNENDED if key in self.unended else None

    def is_due(self, key: Key, entry: Mapping[str, Any]) -> bool:
        """Return whether a pipeline is to be asked in this run."""
        return self.is_due_in_time(key) or self.news(key, entry) is not None

    def is_due_in_time(self, key: Key) -> bool:
        """Return whether a pipeline is to be asked whatever its entry in the list: its turn has come."""
        known = self.current(key)
        return known is None or known.read_at is None or self._turns(key, self.now) > self._turns(key, known.read_at)

    def rank(self, kind: Kind, key: Key) -> Rank | None:
        """Return the rank of a list in a run that may be cut short: of the actions of a pipeline, or of a list above.

        None in any other run.
        """
        if self.oldest is None:
            return None
        if kind is Kind.ACTIONS:
            known = self.known.get(key)
            return _REST, (known and known.asked_at) or NEVER
        if kind is Kind.PIPELINES and not self.lists_first:
            return _REST, self.oldest.get(key, NEVER)
        return FIRST

    def _turns(self, key: Key, moment: datetime) -> int:
        """Return how many turns of a pipeline there were up to a moment: one in each `refresh`, at its own time."""
        name = msgspec.json.encode(key)
        share = int.from_bytes(sha256(name).digest()[:8]) / 2**64
        return (moment - NEVER - share * self.refresh) // self.refresh


def ordered(plan: RefreshPlan, max_requests: int | None) -> RefreshPlan:
    """Return the plan of a run that may be cut short, by `max_requests` or by time: with the order in which it asks.

    Only the lists tell what has changed, so with `refresh` they come first, unless they would take most of the
    requests: then nothing would ever be read.
    """
    oldest: dict[Key, datetime] = {}
    pipelines: Counter[Key] = Counter()
    for key, each in plan.known.items():
        project = Key(key.installation, key.workspace, key.project)
        asked = each.asked_at or NEVER
        oldest[project] = min(asked, oldest.get(project, asked))
        pipelines[project] += 1
    # A list of more than one page is read twice.
    lists = sum(1 if count < DOCUMENTED_PER_PAGE else 2 * (count // PER_PAGE + 1) for count in pipelines.values())
    first = bool(plan.refresh and lists) and (max_requests is None or 2 * lists <= max_requests)
    return replace(plan, oldest=oldest, lists_first=first)

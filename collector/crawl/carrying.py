"""What a crawl carries instead of asking for it: the records of pipelines that are as in their last reading. Pure.

Only the pipeline's own row comes from this run's list. The rows below it are taken over when the run is finalized
(lake/carry.py).
"""

from collector.buddy.decode import Item
from collector.buddy.requests import Kind
from collector.crawl.pagination import Listing
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem
from collector.crawl.refresh_plan import RefreshPlan


class Carrying:
    """The pipelines of one installation that a plan lets a run carry."""

    def __init__(self, plan: RefreshPlan, *, with_executions: bool) -> None:
        self._plan = plan
        self._executions_coverage = "carried" if with_executions else "not_asked"

    def not_due(self, key: Key, item: Item, position: int) -> list[CrawlRecord]:
        """Return the record of a listed pipeline that is not to be asked, none when it is due."""
        return [] if self._plan.is_due(key, item.document) else self._record(key, item, position)

    def unreached(self, listing: Listing, key: Key, problem_kind: str, reason: str) -> list[CrawlRecord]:
        """Return the record of a pipeline that was due and not reached, none when its last reading is too old.

        Where Buddy shows that something about it is new, a problem says so: then the run is not complete.
        """
        known, item = self._plan.current(key), listing.item
        if known is None or item is None:
            return []
        records = self._record(key, item, listing.position)
        if (news := self._plan.news(key, item.document)) is not None:
            message = f"{reason}: its actions are as of {known.read_at:%Y-%m-%dT%H:%M:%SZ}, although {news}"
            records.append(Problem(problem_kind, key, message))
        return records

    def _record(self, key: Key, item: Item, position: int) -> list[CrawlRecord]:
        known = self._plan.current(key)
        assert known is not None, "what was never read is due"
        readable = item.violation is None
        return [
            ListedItem(
                Kind.PIPELINES, key, position, item.document, readable, "carried", {}, self._executions_coverage,
                known.executions_from,
            )
        ]  # fmt: skip

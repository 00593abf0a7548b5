"""The promote-image actions of one crawl: which need a request of their own, and what became of each. Pure."""

from collections import Counter
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.decode import Detail, Item, SchemaViolation, carries_ends, check_promote_image
from collector.buddy.requests import Kind
from collector.crawl.fetch_result import Answered
from collector.crawl.problems import not_understood
from collector.crawl.records import CrawlRecord, Key, ListedItem, Promotion


class Pending(msgspec.Struct, frozen=True):
    """A listed action and its position in the list."""

    item: Item
    position: int


class PromotionCrawl:
    """The promote-image actions of one installation that were listed and whose own reply is missing."""

    def __init__(self) -> None:
        self._waiting: dict[Key, Pending] = {}

    def add(self, reply: Answered, key: Key, pending: Pending) -> list[CrawlRecord]:
        """Take in a listed action; return its records if the list tells all of it, else none: then it is requested."""
        item = pending.item
        if item.violation is not None or not carries_ends(item.document):
            self._waiting[key] = pending
            return []
        return _promotion(reply, key, pending, check_promote_image(item.document, item.json_path), item.document)

    def feed(self, reply: Answered, key: Key, detail: Detail) -> list[CrawlRecord]:
        """Move on by the reply about one action."""
        pending = self._waiting.pop(key)
        if detail.violation is None and not detail.is_promote_image:
            return [action_record(pending, key, "not_promote_image")]
        return _promotion(reply, key, pending, detail.violation, detail.document)

    def give_up(self, key: Key, coverage: str) -> ListedItem:
        """Return the record of an action without a reply."""
        return action_record(self._waiting.pop(key), key, coverage)

    def stop(self, coverage: str) -> tuple[list[CrawlRecord], Counter[Key]]:
        """End all now; return the records of what was not asked, and the number of these by pipeline."""
        records: list[CrawlRecord] = [action_record(pending, key, coverage) for key, pending in self._waiting.items()]
        unread = Counter(replace(key, action_id=None) for key in self._waiting)
        self._waiting.clear()
        return records, unread


def action_record(pending: Pending, key: Key, coverage: str) -> ListedItem:
    """Return the record of a listed action."""
    item = pending.item
    if item.violation is not None and coverage in {"fetched", "not_promote_image"}:
        coverage = "quarantined"
    return ListedItem(Kind.ACTIONS, key, pending.position, item.document, item.violation is None, coverage, {})


def _promotion(
    reply: Answered, key: Key, pending: Pending, violation: SchemaViolation | None, document: dict[str, Any]
) -> list[CrawlRecord]:
    if violation is not None:
        return [not_understood(reply, key, violation, document), action_record(pending, key, "quarantined")]
    return [Promotion(key, document, reply.at), action_record(pending, key, "fetched")]

"""The actions of a list, and the records of what became of each. Pure."""

from typing import Any

import msgspec

from collector.buddy.decode import Item, SchemaViolation
from collector.buddy.requests import Kind
from collector.crawl.fetch_result import Answered
from collector.crawl.problems import not_understood
from collector.crawl.records import CrawlRecord, Key, ListedItem, Promotion


class Pending(msgspec.Struct, frozen=True):
    """A listed action and its position in the list."""

    item: Item
    position: int


def action_record(pending: Pending, key: Key, coverage: str) -> ListedItem:
    """Return the record of a listed action."""
    item = pending.item
    if item.violation is not None and coverage in {"fetched", "not_promote_image"}:
        coverage = "quarantined"
    return ListedItem(Kind.ACTIONS, key, pending.position, item.document, item.violation is None, coverage, {})


def promotion_records(
    reply: Answered, key: Key, pending: Pending, violation: SchemaViolation | None, document: dict[str, Any]
) -> list[CrawlRecord]:
    """Return the records of a promote-image action of which all fields are known."""
    if violation is not None:
        return [not_understood(reply, key, violation, document), action_record(pending, key, "quarantined")]
    return [Promotion(key, document, reply.at), action_record(pending, key, "fetched")]

"""The problems of replies and failures: from a journal line to the record that says what went wrong. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from collector.buddy.decode import KEY_FIELDS, Item, SchemaViolation
from collector.buddy.requests import EXECUTION_KINDS, Kind
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.records import MAX_RAW_CHARACTERS, CrawlRecord, Key, Problem
from collector.settings.tokens import READING_SCOPE


def not_understood(reply: Answered, key: Key, violation: SchemaViolation, document: Any) -> Problem:
    """Return the problem of an item that breaks the contract."""
    raw = msgspec.json.encode(document).decode()[:MAX_RAW_CHARACTERS]
    return _of_reply(reply, "not_understood", key, violation.message, violation.json_path, raw)


def broken_items(reply: Answered, key: Key, items: Iterable[Item]) -> list[CrawlRecord]:
    """Return the problems of those items that break the contract, all with one key."""
    return [not_understood(reply, key, each.violation, each.document) for each in items if each.violation is not None]


def duplicate(reply: Answered, parent: Key, item: Item) -> Problem:
    """Return the problem of an item that differs from another item of its list with the same id."""
    name = KEY_FIELDS[reply.request.kind]
    message = f"Two different items of this list have the {name} {item.key!r}; the one without a row is kept here"
    return not_understood(reply, parent, SchemaViolation(message, item.json_path), item.document)


def unsettled(reply: Answered, key: Key) -> Problem:
    """Return the problem of a list of which no two readings agreed."""
    message = "No two of three readings of this list agreed, so what is missing from it means nothing"
    return _of_reply(reply, "unsettled_listing", key, message)


def repeated_page(reply: Answered, key: Key) -> Problem:
    """Return the problem of a list that is not read twice, and of which a page held nothing new."""
    message = "This page of the list repeats earlier ones, so what follows them is not known"
    return _of_reply(reply, "unsettled_listing", key, message)


def stopped_early(kind: str, reason: str, key: Key, open_list: Kind | None, unread: int) -> Problem:
    """Return the problem of a parent when the crawl ends now.

    `open_list` is the kind of its list where that was not read to the end; `unread` of its promote-image actions were
    not asked for.
    """
    missing = []
    if open_list is not None:
        what = "the workspaces were" if open_list is Kind.WORKSPACES else "what is in it was"
        missing.append(f"{what} not listed to the end")
    if unread:
        missing.append(f"{unread} of its promote-image actions were not asked for")
    return Problem(kind, key, f"{reason}: {', and '.join(missing)}")


def _of_reply(
    reply: Answered, kind: str, key: Key, message: str, json_path: str | None = None, raw: str | None = None
) -> Problem:
    return Problem(
        kind, key, message, reply.request.target, 200, json_path, reply.cost.attempts, reply.at, reply.at, raw
    )


def given_up(failed: Failed, key: Key, *, is_later_page: bool) -> Problem:
    """Return the problem of a request that was given up.

    With `is_later_page` an earlier page of the same list was answered: then nothing is gone, for it was there a moment
    ago.
    """
    failure, kind, message = failed.failure, str(failed.failure.kind), failed.failure.message
    if is_later_page:
        kind = "http_error" if kind == "gone" else kind
        message = f"Earlier pages of this list were answered, this one was not: {message}"
    if kind == "forbidden" and failed.request.kind in EXECUTION_KINDS:
        message = f"{message.rstrip('.')}. Executions need a token with the scope {READING_SCOPE}"
    return Problem(
        kind, key, message, failed.request.target, failure.http_status, None, failed.cost.attempts,
        failed.first_seen_at, failed.last_seen_at, failure.raw,
    )  # fmt: skip

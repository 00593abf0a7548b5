"""An answered request as the journal holds it and the frontier is fed it: a reply, or the reason there is none."""

from datetime import datetime
from typing import Any

import msgspec

from collector.buddy.decode import KEY_FIELDS, Detail, Item, ListPage, SchemaViolation
from collector.buddy.requests import Request
from collector.crawl.records import Key, Problem

# Raw text in a problem is for a person to look at; past this length it helps nobody.
MOST_RAW_CHARACTERS = 10_000


class Reply(msgspec.Struct, frozen=True):
    """An understood envelope: what Buddy answered to `request`, decoded and without secrets."""

    request: Request
    content: ListPage | Detail
    fetched_at: datetime
    attempts: int

    def problem(
        self, kind: str, key: Key, message: str, *, json_path: str | None = None, document: Any = None
    ) -> Problem:
        """Return a problem about what this reply holds."""
        raw = None if document is None else msgspec.json.encode(document).decode()[:MOST_RAW_CHARACTERS]
        return Problem(
            kind,
            key,
            message,
            self.request.target,
            200,
            json_path,
            self.attempts,
            self.fetched_at,
            self.fetched_at,
            raw,
        )

    def not_understood(self, key: Key, violation: SchemaViolation, document: Any) -> Problem:
        """Return the problem of an item that breaks the contract."""
        return self.problem("not_understood", key, violation.message, json_path=violation.json_path, document=document)

    def clashing(self, parent: Key, item: Item) -> Problem:
        """Return the problem of an item that differs from another item of its list with the same id."""
        name = KEY_FIELDS[self.request.kind]
        message = f"Two different items of this list have the {name} {item.key!r}; the one without a row is kept here"
        return self.not_understood(parent, SchemaViolation(message, item.json_path), item.document)

    def unsettled(self, key: Key) -> Problem:
        """Return the problem of a list that never read the same twice."""
        message = "No two of three readings of this list agreed, so what is missing from it means nothing"
        return self.problem("unsettled_listing", key, message)


class GivenUp(msgspec.Struct, frozen=True):
    """A request that got no usable reply, with Buddy's last word on it. `raw` holds no secret."""

    request: Request
    failure_kind: str
    message: str
    http_status: int | None
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    raw: str | None

    def problem(self, key: Key) -> Problem:
        """Return the problem that says so."""
        return Problem(
            self.failure_kind, key, self.message, self.request.target, self.http_status, None, self.attempts,
            self.first_seen_at, self.last_seen_at, self.raw,
        )  # fmt: skip

    def problem_of_later_page(self, key: Key) -> Problem:
        """Return the problem of a page behind one that answered: nothing is gone, for it was there a moment ago."""
        return msgspec.structs.replace(
            self.problem(key),
            kind="http_error" if self.failure_kind == "gone" else self.failure_kind,
            message=f"Earlier pages of this list were answered, this one was not: {self.message}",
        )

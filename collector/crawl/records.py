"""What a crawl finds out, as values: items listed, promotions read, and problems.

The frontier makes them from replies and lake/flatten.py turns them into rows; neither imports the other.
"""

from datetime import datetime
from typing import Any

import msgspec

from collector.buddy.requests import Kind, Request

# The raw text in a problem is for a person to look at: more than this is never read.
MAX_RAW_CHARACTERS = 10_000
# What the kind of a problem says about the thing that was asked for (design.md, section 5, coverage).
_COVERAGE_OF_PROBLEM = {
    "unauthorised": "forbidden",
    "forbidden": "forbidden",
    "api_disabled": "forbidden",
    "frozen": "forbidden",
    "gone": "gone",
    "deadline": "skipped",
}


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """The place of a thing in Buddy, from the installation down; the problem of a list has the key of its parent."""

    installation: str
    workspace: str | None = None
    project: str | None = None
    pipeline_id: int | None = None
    action_id: int | None = None


def key_of(request: Request) -> Key:
    """Return the key of the thing that a request is about: the action, or the parent of the list."""
    return Key(request.installation, request.workspace, request.project, request.pipeline_id, request.action_id)


def child_key(parent: Key, own: str | int | None) -> Key:
    """Return the key of a child of `parent`; where its own part is unreadable, the parent's."""
    if own is None:
        return parent
    return Key(*[*(part for part in msgspec.structs.astuple(parent) if part is not None), own])


class ListedItem(msgspec.Struct, frozen=True):
    """An item of a list, with the coverage of what is below it.

    `kind` is the list that held it. With `readable` False the item broke the contract and only its key is used.
    `envelope` holds the members that a reply has around a list: for a parent, those of the list of its children.
    """

    kind: Kind
    key: Key
    position: int
    document: dict[str, Any]
    readable: bool
    coverage: str
    envelope: dict[str, Any]


class Promotion(msgspec.Struct, frozen=True):
    """A promote-image action with all of its fields."""

    key: Key
    document: dict[str, Any]
    fetched_at: datetime


class Problem(msgspec.Struct, frozen=True):
    """Something that went wrong, by key (design.md, section 5, problems.kind). Times are aware UTC datetimes."""

    kind: str
    key: Key
    message: str
    request_path: str | None = None
    http_status: int | None = None
    json_path: str | None = None
    attempts: int | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    raw: str | None = None


CrawlRecord = ListedItem | Promotion | Problem


def coverage_of(problem_kind: str) -> str:
    """Return the coverage of a thing whose request ended in a problem of this kind."""
    return _COVERAGE_OF_PROBLEM.get(problem_kind, "failed")

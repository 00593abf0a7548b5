"""What a crawl finds out, as values: things seen, promotions read, and things that went wrong.

The frontier produces them from replies and lake/flatten.py turns them into rows; neither knows the other.
"""

from datetime import datetime
from typing import Any

import msgspec

from collector.buddy.requests import Kind, Request

# Problem kinds by what they say about the thing that was asked for (design.md, section 5, coverage).
COVERAGE_OF_PROBLEM = {
    "unauthorised": "forbidden",
    "forbidden": "forbidden",
    "api_disabled": "forbidden",
    "frozen": "forbidden",
    "gone": "gone",
    "deadline": "skipped",
}


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a thing stands in Buddy, from the installation down; a list's problem carries its parent's key."""

    installation: str
    workspace: str | None = None
    project: str | None = None
    pipeline_id: int | None = None
    action_id: int | None = None


def key_of(request: Request) -> Key:
    """The key of the thing a request is about: the action, or the parent of the list."""
    return Key(request.installation, request.workspace, request.project, request.pipeline_id, request.action_id)


class ListedItem(msgspec.Struct, frozen=True):
    """A listed thing and what became of what is below it.

    `kind` is the list it stood in. With `readable` False the item broke the contract and only its key is believed.
    `envelope` holds what a reply said around a list: of its children's list for a parent.
    """

    kind: Kind
    key: Key
    position: int
    document: dict[str, Any]
    readable: bool
    coverage: str
    envelope: dict[str, Any]


class Promotion(msgspec.Struct, frozen=True):
    """A promote-image action as Buddy tells it in full."""

    key: Key
    document: dict[str, Any]
    fetched_at: datetime


class Problem(msgspec.Struct, frozen=True):
    """A thing that went wrong, by key (design.md, section 5, problems.kind). Times are aware UTC datetimes."""

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
    """The coverage of a thing whose request ended in a problem of this kind."""
    return COVERAGE_OF_PROBLEM.get(problem_kind, "failed")

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


def request_of(kind: Kind, key: Key, page: int = 0, per_page: int = 0) -> Request:
    """Return the request about a thing: the action, or the list of this kind below its parent."""
    return Request(key.installation, kind, key.workspace, key.project, key.pipeline_id, key.action_id, page, per_page)


def child_key(parent: Key, own: str | int | None) -> Key:
    """Return the key of a child of `parent`; where its own part is unreadable, the parent's."""
    if own is None:
        return parent
    parts: tuple[Any, ...] = msgspec.structs.astuple(parent)
    return Key(*(*parts[: parts.index(None)], own))


def pipeline_key(key: Key) -> Key:
    """Return the key of the pipeline that a thing belongs to."""
    return key if key.action_id is None else msgspec.structs.replace(key, action_id=None)


class ListedItem(msgspec.Struct, frozen=True):
    """An item of a list, with the coverage of what is below it.

    `kind` is the list that held it. With `readable` False the item broke the contract and only its key is used.
    `envelope` holds the members that a reply has around a list: for a parent, those of the list of its children. A
    pipeline also has the coverage of its executions, and from when (UTC) none of them is missing.
    """

    kind: Kind
    key: Key
    position: int
    document: dict[str, Any]
    readable: bool
    coverage: str
    envelope: dict[str, Any]
    executions_coverage: str | None = None
    executions_from: datetime | None = None


class Promotion(msgspec.Struct, frozen=True):
    """A promote-image action with all of its fields."""

    key: Key
    document: dict[str, Any]
    fetched_at: datetime


class WorkspacePrincipal(msgspec.Struct, frozen=True):
    """A member (`user`) or group of a workspace, with the key of the workspace."""

    key: Key
    principal_type: str
    document: dict[str, Any]


class Problem(msgspec.Struct, frozen=True):
    """Something that went wrong, by key (design.md, section 5, problems.kind). Times are aware UTC datetimes.

    The severity `notice` is for what is worth knowing and hides nothing that was asked for.
    """

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
    severity: str = "problem"


class KnownExecution(msgspec.Struct, frozen=True, array_like=True):
    """An execution that may still change: when it began (UTC), whether it had ended, and a digest of its list entry.

    `entry` is None for an execution that was read without its entry in the list.
    """

    id: int
    began: datetime | None
    ended: bool
    entry: str | None


class ExecutionHistory(msgspec.Struct, frozen=True):
    """How far the executions of one pipeline were read.

    Nothing that began at or after `complete_from` (UTC), up to the last complete reading, is missing; `highest_id` is
    the highest id of that reading. Both are None before the first complete reading.
    """

    complete_from: datetime | None = None
    highest_id: int | None = None
    known: tuple[KnownExecution, ...] = ()


class ReadExecution(msgspec.Struct, frozen=True):
    """An execution that was to be read: `document` is its own reply, or its list entry where there is no reply.

    `key` is that of its pipeline. `elements` are the readable elements of promote-image actions, by position from 1.
    """

    key: Key
    execution_id: int
    document: dict[str, Any]
    coverage: str
    fetched_at: datetime | None = None
    elements: tuple[tuple[int, dict[str, Any]], ...] = ()


class ReadHistory(msgspec.Struct, frozen=True):
    """What the next run has to know of the executions of one pipeline."""

    key: Key
    history: ExecutionHistory


class PipelineRead(msgspec.Struct, frozen=True):
    """What the next run has to know of one pipeline that this run has listed and not carried.

    `read_at` is when the first reply about it came, None unless all of it was seen; `asked_at` when it was last asked
    to the end, whole or not. `requests` is what it took. `read_with` is that of the run's plan (refresh_plan.py).
    """

    key: Key
    entry_hash: str
    read_at: datetime | None
    asked_at: datetime | None
    requests: int
    executions_from: datetime | None
    read_with: str = ""


CrawlRecord = ListedItem | Promotion | WorkspacePrincipal | Problem | ReadExecution | ReadHistory | PipelineRead


def coverage_of(problem_kind: str) -> str:
    """Return the coverage of a thing whose request ended in a problem of this kind."""
    return _COVERAGE_OF_PROBLEM.get(problem_kind, "failed")

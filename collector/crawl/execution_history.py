"""What a run shall read of the executions of each pipeline, by what is known of them before. Pure.

The law (design.md, section 6, "Executions"): an execution is requested when it is new, when it had not ended when it
was last read, or when its entry in the list has changed within 14 days (a retry keeps the id).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.timestamps import parse_timestamp
from collector.crawl.records import ExecutionHistory, Key, KnownExecution

# An execution that began longer ago is not compared with its entry in the list any more.
MAY_CHANGE_FOR = timedelta(days=14)

# List entries by id of the execution.
Entries = Mapping[int, Mapping[str, Any]]


class ExecutionPlan(msgspec.Struct, frozen=True):
    """Which executions a run reads: those since `since`; `now` is when the run began (both UTC).

    `histories` are by pipeline; `held` are the pipelines that had a promote-image action in an earlier run.
    """

    since: datetime
    now: datetime
    histories: Mapping[Key, ExecutionHistory] = msgspec.field(default_factory=dict)
    held: frozenset[Key] = frozenset()


def began_at(entry: Mapping[str, Any]) -> datetime | None:
    """Return when an execution began (UTC), None when its entry does not tell."""
    text = entry.get("start_date")
    return parse_timestamp(text) if isinstance(text, str) else None


def digest(entry: Mapping[str, Any]) -> str:
    """Return a short name for the content of a list entry."""
    return sha256(msgspec.json.encode(entry, order="deterministic")).hexdigest()[:16]


def reads_further_back(history: ExecutionHistory, since: datetime) -> bool:
    """Return whether a window begins before everything that was ever read."""
    return history.complete_from is not None and since < history.complete_from


def ids_to_read(entries: Entries, history: ExecutionHistory, since: datetime, now: datetime) -> list[int]:
    """Return the ids that need a GET, the newest first; `entries` is what the list showed."""
    known, oldest = {each.id: each for each in history.known}, now - MAY_CHANGE_FOR
    unended = [each.id for each in history.known if not each.ended]
    changed = [
        number for number, entry in entries.items() if number in known and _has_changed(known[number], entry, oldest)
    ]
    new = [
        number
        for number, entry in entries.items()
        if number not in known and _is_new(number, entry, history, since, oldest)
    ]
    return sorted({*unended, *changed, *new}, reverse=True)


def known_after(
    history: ExecutionHistory, entries: Entries, read: Iterable[KnownExecution], now: datetime
) -> tuple[KnownExecution, ...]:
    """Return the executions that may still change, after those in `read` were read."""
    known = {
        each.id: replace(each, entry=digest(entries[each.id])) if each.id in entries else each for each in history.known
    }
    known |= {each.id: each for each in read}
    oldest = now - MAY_CHANGE_FOR
    return tuple(
        each for _, each in sorted(known.items()) if not each.ended or each.began is None or each.began >= oldest
    )


def _has_changed(known: KnownExecution, entry: Mapping[str, Any], oldest: datetime) -> bool:
    if known.entry is None or known.entry == digest(entry):
        return False
    began = began_at(entry)
    return began is None or began >= oldest


def _is_new(
    number: int, entry: Mapping[str, Any], history: ExecutionHistory, since: datetime, oldest: datetime
) -> bool:
    """Return whether an execution that is not among the known ones was never read."""
    began = began_at(entry)
    if history.highest_id is None:
        return began is None or began >= since
    if number > history.highest_id:
        return True
    if history.complete_from is None or began is None:
        return False
    if began < history.complete_from:
        # A window longer than any earlier one.
        return since <= began
    # All others were read before. If a recent one is not known all the same, the pipeline was made again.
    return began >= oldest

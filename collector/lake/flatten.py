"""Flatten crawl records to rows: pure, one tuple per row in the contract's column order.

The law: every scalar of a reply is found in a column, in `extra`, or on the redaction list. Both halves of a row are
made from one declaration: a column with a `source` reads that place in the reply, `extra` is the reply without them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby, takewhile
from typing import Any

import msgspec

from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.requests import Kind
from collector.buddy.timestamps import parse_timestamp
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem, Promotion
from collector.lake.tables import KEY, RUN, TABLES, Table

Row = tuple[Any, ...]
Rows = list[tuple[str, Row]]
Document = dict[str, Any]

# The columns that a row begins with, as far as its table has them.
_LEADING = tuple(column.name for column in (*RUN, *KEY))
_EMPTY: Document = {}
_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class RunKey:
    """The run that every row of it begins with."""

    run_id: str
    run_date: date


def flatten(run_key: RunKey, record: CrawlRecord) -> Rows:
    """Return (table name, row) of each row that a crawl record makes."""
    if isinstance(record, Promotion):
        return _promotion_rows(run_key, record)
    if isinstance(record, ListedItem):
        return [_listed_row(run_key, record)]
    return [_problem_row(run_key, record)]


def canonical(value: Any) -> str:
    """Return `value` as JSON text with sorted keys, so that equal values are equal text."""
    return _encoder.encode(value).decode()


class Projection:
    """How one table reads a reply: the values of its columns, and what is left over for `extra`.

    Columns are grouped by the object of the reply they are read from, and each group is read at once. There is no loop
    over columns, because this runs for every row of a run.
    """

    def __init__(self, table: Table) -> None:
        matches = map(str.__eq__, table.column_names, _LEADING)
        self._leading = sum(takewhile(bool, matches))
        columns = table.columns[self._leading :]
        self._parsers = [
            (c.source[0], _PARSERS[c.column_type])
            for c in columns
            if len(c.source) == 1 and c.column_type in _PARSERS
        ]  # fmt: skip
        self._nested: dict[str, tuple[str, ...]] = {}
        self._groups: list[tuple[str, tuple[str, ...]]] = []
        for member, group in groupby(columns, lambda c: c.source[0] if len(c.source) == 2 else ""):
            names = tuple(column.source[-1] if column.source else column.name for column in group)
            self._groups.append((member, names))
            if member:
                self._nested[member] = (*self._nested.get(member, ()), *names)
        self._sources = tuple({column.source[0] for column in table.columns if column.source})

    def row(self, leading: Row, document: Document, own: Document) -> Row:
        """Return a row: its run and key, the columns of the reply from `document`, and our own columns from `own`."""
        values = {**document, **own}
        for name, parse in self._parsers:
            if (text := values.get(name)) is not None:
                values[name] = parse(text)
        row = leading[: self._leading]
        for member, names in self._groups:
            source = (document.get(member) or _EMPTY) if member else values
            row += (*map(source.get, names),)
        return row

    def leftover(self, document: Document) -> Document:
        """Return what no column holds, nested like the reply; empty when there is nothing."""
        # Removing a few names from a copy is faster than testing every name.
        rest = document.copy()
        for name in self._sources:
            rest.pop(name, None)
        for member, names in self._nested.items():
            inner = document.get(member)
            if inner:
                inner = inner.copy()
                for name in names:
                    inner.pop(name, None)
                if inner:
                    rest[member] = inner
        return rest


_PARSERS: dict[str, Callable[[Any], Any]] = {"timestamp": parse_timestamp, "json": canonical}
_LISTED = {
    kind: (kind.value, Projection(TABLES[kind.value]))
    for kind in (Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES, Kind.ACTIONS)
}  # fmt: skip
_PROMOTION = Projection(TABLES["promote_image_actions"])
_CONDITION = Projection(TABLES["trigger_conditions"])
_VARIABLE = Projection(TABLES["variables"])
_PERMISSION = Projection(TABLES["permissions"])
_PROBLEM_COLUMNS = TABLES["problems"].column_names


def _leading_values(run_key: RunKey, key: Key) -> Row:
    """Return the values of `_LEADING`."""
    return (
        run_key.run_id, run_key.run_date, key.installation, key.workspace, key.project, key.pipeline_id, key.action_id,
    )  # fmt: skip


def _listed_row(run_key: RunKey, item: ListedItem) -> tuple[str, Row]:
    table, projection = _LISTED[item.kind]
    # Only the key of an unreadable item is believed.
    document = item.document if item.readable else _EMPTY
    rest = projection.leftover(document)
    if item.envelope:
        rest = {**rest, **item.envelope}
    own = {"coverage": item.coverage, "position": item.position, "extra": _extra(rest)}
    return table, projection.row(_leading_values(run_key, item.key), document, own)


def _promotion_rows(run_key: RunKey, promotion: Promotion) -> Rows:
    document = promotion.document
    leading = _leading_values(run_key, promotion.key)
    rest = _PROMOTION.leftover(document)
    _drop_known(rest, promotion.key)
    for end in ("src", "dest"):
        document = _with_integration_name(document, end, rest)
    rows = _condition_rows(leading, document.get("trigger_conditions") or ())
    rows += _variable_rows(leading, document.get("variables") or ())
    rows += _permission_rows(leading, document.get("permissions") or {}, rest)
    # Whole seconds: fractions would take more bytes than all other columns of a compacted month.
    fetched_at = _utc(promotion.fetched_at.replace(microsecond=0))
    own = {"fetched_at": fetched_at, "extra": _extra(rest)}
    rows.append(("promote_image_actions", _PROMOTION.row(leading, document, own)))
    return rows


def _drop_known(rest: Document, key: Key) -> None:
    """Remove from `rest` what other columns and tables hold: the ids, the child lists, and empty objects."""
    if rest.get("id") in {key.action_id, None}:
        rest.pop("id", None)
    for name in ("trigger_conditions", "variables"):
        rest.pop(name, None)
    pipeline = rest.get("pipeline")
    if pipeline and pipeline.get("id") in {key.pipeline_id, None}:
        pipeline.pop("id", None)
        if not pipeline:
            del rest["pipeline"]


def _with_integration_name(document: Document, end: str, rest: Document) -> Document:
    """Return the document with an integration object replaced by its name; its other members go to `rest`."""
    side = document.get(end)
    integration = side.get("integration") if side else None
    if not isinstance(integration, dict):
        return document
    member = next((n for n in ("hash_id", "identifier", "name") if isinstance(integration.get(n), str)), None)
    others = {n: v for n, v in integration.items() if n != member}
    if others:
        rest[end] = {**rest.get(end, {}), "integration": others}
    return {**document, end: {**(side or {}), "integration": integration[member] if member else None}}


def _condition_rows(leading: Row, conditions: Sequence[Document]) -> Rows:
    rows = []
    for position, condition in enumerate(conditions, start=1):
        rest = _CONDITION.leftover(condition)
        zone, old_name = condition.get("timezone"), rest.pop("zone_id", None)
        if zone is None and old_name is not None:
            condition = {**condition, "timezone": old_name}
        elif old_name not in {None, zone}:
            rest["zone_id"] = old_name
        own = {"position": position, "extra": _extra(rest)}
        rows.append(("trigger_conditions", _CONDITION.row(leading, condition, own)))
    return rows


def _variable_rows(leading: Row, variables: Sequence[Document]) -> Rows:
    rows = []
    for position, variable in enumerate(variables, start=1):
        state = value_state(variable.get("value"))
        own = {"position": position, "value_state": state, "extra": _extra(_VARIABLE.leftover(variable))}
        if state != "kept":
            own["value"] = None
        rows.append(("variables", _VARIABLE.row(leading, variable, own)))
    return rows


def value_state(value: str | None) -> str:
    """Return the state of a variable's value: absent, empty, encrypted, redacted or kept."""
    if value is None:
        return "absent"
    return {"": "empty", ENCRYPTED: "encrypted", REDACTED: "redacted"}.get(value, "kept")


def _permission_rows(leading: Row, permissions: Document, rest: Document) -> Rows:
    """Return one row per user and group, the first one given; repeated ones and unknown members go to `rest`."""
    rows = []
    left = {n: v for n, v in permissions.items() if n not in {"others", "users", "groups"}}
    for member, principal_type in (("users", "user"), ("groups", "group")):
        kept_whole = []
        ids = set()
        own = {"principal_type": principal_type}
        for principal in permissions.get(member) or ():
            if principal["id"] in ids or _PERMISSION.leftover(principal):
                kept_whole.append(principal)
            if principal["id"] not in ids:
                ids.add(principal["id"])
                rows.append(("permissions", _PERMISSION.row(leading, principal, own)))
        if kept_whole:
            left[member] = kept_whole
    rest.pop("permissions", None)
    if left:
        rest["permissions"] = left
    return rows


def _problem_row(run_key: RunKey, problem: Problem) -> tuple[str, Row]:
    values: Document = dict(zip(_LEADING, _leading_values(run_key, problem.key), strict=True))
    values |= {name: getattr(problem, name) for name in _PROBLEM_COLUMNS if name not in values}
    for name in ("first_seen_at", "last_seen_at"):
        values[name] = _utc(values[name])
    return "problems", tuple([values[name] for name in _PROBLEM_COLUMNS])


def _extra(rest: Document) -> str | None:
    return canonical(rest) if rest else None


def _utc(moment: datetime | None) -> datetime | None:
    """Return an aware moment as the lake holds it: UTC without a zone."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

"""From findings to rows: pure, one tuple per row in the contract's column order.

The law: every scalar of a reply is found in a column, in `extra`, or on the redaction list. So a row is made twice from the
same declaration: the columns that name a place in the reply read it there, and `extra` is the reply less those places.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from collector.buddy.catalogue import Kind
from collector.buddy.findings import Finding, Key, Problem, Promotion, Seen
from collector.buddy.marks import ENCRYPTED, REDACTED
from collector.buddy.timestamps import parse_timestamp
from collector.lake.tables import (
    ACTIONS,
    PERMISSIONS,
    PIPELINES,
    PROBLEMS,
    PROJECTS,
    PROMOTE_IMAGE_ACTIONS,
    TRIGGER_CONDITIONS,
    VARIABLES,
    WORKSPACES,
    Table,
)

Row = tuple[Any, ...]
Document = dict[str, Any]
_TABLE_OF = {
    Kind.WORKSPACES: WORKSPACES, Kind.PROJECTS: PROJECTS, Kind.PIPELINES: PIPELINES, Kind.ACTIONS: ACTIONS,
}  # fmt: skip
_CHILD_LIST = {Kind.WORKSPACES: "projects", Kind.PROJECTS: "pipelines", Kind.PIPELINES: "actions"}
_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The columns every row of a run begins with, less the installation."""

    run_id: str
    run_date: date


def flatten(stamp: Stamp, finding: Finding) -> Iterator[tuple[str, Row]]:
    """Yield (table name, row) for one finding."""
    if isinstance(finding, Promotion):
        yield from _promotion(stamp, finding)
    elif isinstance(finding, Seen):
        yield _seen(stamp, finding)
    else:
        yield "problems", _problem(stamp, finding)


def canonical(value: Any) -> str:
    """Return `value` as JSON text with sorted keys, so that equal values are equal text."""
    return _encoder.encode(value).decode()


class Projection:
    """How one table reads a reply: the columns found in it, and what is left over for `extra`.

    Dictionaries are merged and mapped over rather than looped through: this runs for every row of a night.
    """

    def __init__(self, table: Table) -> None:
        taken = [column for column in table.columns if column.source]
        self._order = table.column_names
        # A member of the reply that is called like a column of ours must not be taken for it.
        self._ours = dict.fromkeys(c.name for c in table.columns if not c.source)
        flat = [column for column in taken if len(column.source) == 1]
        self._unlike = tuple(
            (column.name, column.source[0], _READERS.get(column.logical or "", _same))
            for column in flat
            if column.logical in _READERS or column.name != column.source[0]
        )
        self._mapped = {column.source[0] for column in flat}
        self._nested: dict[str, dict[str, str]] = {}
        for column in taken:
            if len(column.source) > 1:
                member, name = column.source
                self._nested.setdefault(member, {})[name] = column.name
        self._mapped.update(self._nested)

    def row(self, document: Document, given: Document) -> Row:
        """Return the row: columns of the reply from `document`, all others from `given`."""
        values = {**document, **self._ours, **given}
        for member, names in self._nested.items():
            inner = document.get(member) or {}
            values.update(zip(names.values(), map(inner.get, names), strict=True))
        for column, name, read in self._unlike:
            value = document.get(name)
            values[column] = None if value is None else read(value)
        return tuple(map(values.get, self._order))

    def leftover(self, document: Document) -> Document:
        """Return what no column holds, nested like the reply; empty when there is nothing."""
        rest = {name: document[name] for name in document.keys() - self._mapped}
        for member, names in self._nested.items():
            inner = document.get(member) or {}
            unmapped = inner.keys() - names
            if unmapped:
                rest[member] = {name: inner[name] for name in unmapped}
        return rest


def _same(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {"timestamp": parse_timestamp, "json": canonical}
_PROJECTIONS = {table.name: Projection(table) for table in _TABLE_OF.values()}
_PROMOTION = Projection(PROMOTE_IMAGE_ACTIONS)
_CONDITION = Projection(TRIGGER_CONDITIONS)
_VARIABLE = Projection(VARIABLES)
_PERMISSION = Projection(PERMISSIONS)


def _stamped(stamp: Stamp, key: Key) -> Document:
    return {
        "run_id": stamp.run_id,
        "run_date": stamp.run_date,
        "installation": key.installation,
        "workspace": key.workspace,
        "project": key.project,
        "pipeline_id": key.pipeline_id,
        "action_id": key.action_id,
    }


def _seen(stamp: Stamp, seen: Seen) -> tuple[str, Row]:
    table = _TABLE_OF[seen.kind]
    given = _stamped(stamp, seen.key)
    given["coverage"] = seen.coverage
    given["position"] = seen.position
    projection = _PROJECTIONS[table.name]
    rest = projection.leftover(seen.document) if seen.readable else {}
    if seen.envelope:
        rest = {**rest, **seen.envelope}
    given["extra"] = canonical(rest) if rest else None
    if seen.readable:
        return table.name, projection.row(seen.document, given)
    return table.name, tuple([given.get(name) for name in table.column_names])


def _promotion(stamp: Stamp, promotion: Promotion) -> Iterator[tuple[str, Row]]:
    document = promotion.document
    given = _stamped(stamp, promotion.key)
    # Whole seconds: nobody asks for more, and in merged months microseconds cost more bytes than all other columns.
    given["fetched_at"] = _naive(promotion.fetched_at.replace(microsecond=0))
    rest = _PROMOTION.leftover(document)
    _drop_known(rest, promotion.key)
    for end in ("src", "dest"):
        document = _named_integration(document, end, rest)
    for name, rows in (
        ("trigger_conditions", _conditions(given, document.get("trigger_conditions") or ())),
        ("variables", _variables(given, document.get("variables") or ())),
        ("permissions", _permissions(given, document.get("permissions") or {}, rest)),
    ):
        for row in rows:
            yield name, row
    given["extra"] = canonical(rest) if rest else None
    yield "promote_image_actions", _PROMOTION.row(document, given)


def _drop_known(rest: Document, key: Key) -> None:
    """Take out of `rest` what other columns and tables hold: the ids, the child lists, and empty objects."""
    if rest.get("id") in {key.action_id, None}:
        rest.pop("id", None)
    for name in ("trigger_conditions", "variables"):
        rest.pop(name, None)
    pipeline = rest.get("pipeline")
    if pipeline and pipeline.get("id") in {key.pipeline_id, None}:
        rest["pipeline"] = {n: v for n, v in pipeline.items() if n != "id"}
        if not rest["pipeline"]:
            del rest["pipeline"]


def _named_integration(document: Document, end: str, rest: Document) -> Document:
    """Return the document with an integration object replaced by its name; its other members go to `rest`."""
    side = document.get(end)
    integration = side.get("integration") if side else None
    if not isinstance(integration, dict):
        return document
    named = next((n for n in ("hash_id", "identifier", "name") if isinstance(integration.get(n), str)), None)
    others = {n: v for n, v in integration.items() if n != named}
    if others:
        rest[end] = {**rest.get(end, {}), "integration": others}
    name = integration[named] if named else None
    return {**document, end: {**(side or {}), "integration": name}}


def _conditions(given: Document, conditions: Any) -> Iterator[Row]:
    for position, condition in enumerate(conditions, start=1):
        rest = _CONDITION.leftover(condition)
        zone, older = condition.get("timezone"), rest.pop("zone_id", None)
        if zone is None:
            zone = older
        elif older not in {None, zone}:
            rest["zone_id"] = older
        extra = canonical(rest) if rest else None
        yield _CONDITION.row({**condition, "timezone": zone}, {**given, "position": position, "extra": extra})


def _variables(given: Document, variables: Any) -> Iterator[Row]:
    for position, variable in enumerate(variables, start=1):
        state = value_state(variable.get("value"))
        rest = _VARIABLE.leftover(variable)
        values = {
            **given,
            "position": position,
            "value_state": state,
            "extra": canonical(rest) if rest else None,
        }
        shown = variable if state == "kept" else {**variable, "value": None}
        yield _VARIABLE.row(shown, values)


def value_state(value: str | None) -> str:
    """Say what became of a variable's value: absent, empty, encrypted, redacted or kept."""
    if value is None:
        return "absent"
    return {"": "empty", ENCRYPTED: "encrypted", REDACTED: "redacted"}.get(value, "kept")


def _permissions(given: Document, permissions: Document, rest: Document) -> Iterator[Row]:
    left = {n: v for n, v in permissions.items() if n not in {"others", "users", "groups"}}
    for member, principal_type in (("users", "user"), ("groups", "group")):
        unknown = []
        named = set()
        for principal in permissions.get(member) or ():
            if _PERMISSION.leftover(principal) or principal["id"] in named:
                unknown.append(principal)
            if principal["id"] in named:
                continue
            named.add(principal["id"])
            yield _PERMISSION.row(principal, {**given, "principal_type": principal_type})
        if unknown:
            left[member] = unknown
    rest.pop("permissions", None)
    if left:
        rest["permissions"] = left


def _problem(stamp: Stamp, problem: Problem) -> Row:
    given = _stamped(stamp, problem.key)
    given.update(
        kind=problem.kind,
        request_path=problem.request_path,
        http_status=problem.http_status,
        message=problem.message,
        json_path=problem.json_path,
        attempts=problem.attempts,
        first_seen_at=_naive(problem.first_seen_at),
        last_seen_at=_naive(problem.last_seen_at),
        raw=problem.raw,
    )
    return tuple([given[name] for name in PROBLEMS.column_names])


def _naive(moment: datetime | None) -> datetime | None:
    """Return an aware moment as the lake holds it: UTC without a zone."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

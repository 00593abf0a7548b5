"""From findings to rows: pure, one tuple per row in the contract's column order.

The law: every scalar of a reply is found in a column, in `extra`, or on the redaction list. So a row is made twice from the
same declaration: the columns that name a place in the reply read it there, and `extra` is the reply less those places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import msgspec

from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.requests import Kind
from collector.buddy.timestamps import parse_timestamp
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem, Promotion
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
Rows = list[tuple[str, Row]]
Document = dict[str, Any]
_TABLE_OF = {
    Kind.WORKSPACES: WORKSPACES, Kind.PROJECTS: PROJECTS, Kind.PIPELINES: PIPELINES, Kind.ACTIONS: ACTIONS,
}  # fmt: skip
_CHILD_LIST = {Kind.WORKSPACES: "projects", Kind.PROJECTS: "pipelines", Kind.PIPELINES: "actions"}
_STAMPED = ("run_id", "run_date", "installation", "workspace", "project", "pipeline_id", "action_id")
_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class RunKey:
    """The columns every row of a run begins with, less the installation."""

    run_id: str
    run_date: date


def flatten(stamp: RunKey, finding: CrawlRecord) -> Rows:
    """Return (table name, row) of each row that one finding makes."""
    if isinstance(finding, Promotion):
        return _promotion(stamp, finding)
    if isinstance(finding, ListedItem):
        return [_seen(stamp, finding)]
    return [("problems", _problem(stamp, finding))]


def canonical(value: Any) -> str:
    """Return `value` as JSON text with sorted keys, so that equal values are equal text."""
    return _encoder.encode(value).decode()


class Projection:
    """How one table reads a reply: the columns found in it, and what is left over for `extra`.

    A row is picked, run by run of columns that stand in one place: where the thing stands, the reply itself with what is
    given beside it, an object in the reply. No loop over columns: this runs for every row of a night.
    """

    def __init__(self, table: Table) -> None:
        self._stamped = sum(name in _STAMPED for name in table.column_names)
        assert table.column_names[: self._stamped] == _STAMPED[: self._stamped], "a row begins with where it stands"
        rest = table.columns[self._stamped :]
        self._readers = [
            (c.source[0], _READERS[c.logical]) for c in rest if len(c.source) == 1 and c.logical in _READERS
        ]
        self._nested: dict[str, tuple[str, ...]] = {}
        self._runs: list[tuple[str, tuple[str, ...]]] = []
        for member, run in groupby(rest, lambda c: c.source[0] if len(c.source) == 2 else ""):
            names = tuple(column.source[-1] if column.source else column.name for column in run)
            self._runs.append((member, names))
            if member:
                self._nested[member] = (*self._nested.get(member, ()), *names)
        self._mapped = tuple({column.source[0] for column in table.columns if column.source})

    def row(self, stamped: Row, document: Document, given: Document) -> Row:
        """Return the row: where the thing stands, columns of the reply from `document`, the others from `given`."""
        values = {**document, **given}
        for name, read in self._readers:
            if (text := values.get(name)) is not None:
                values[name] = read(text)
        row = stamped[: self._stamped]
        for member, names in self._runs:
            stands_in = (document.get(member) or _NOTHING) if member else values
            row += (*map(stands_in.get, names),)
        return row

    def leftover(self, document: Document) -> Document:
        """Return what no column holds, nested like the reply; empty when there is nothing."""
        # Taking a few names out of a copy costs less than asking of every name whether it stays.
        rest = document.copy()
        for name in self._mapped:
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


_NOTHING: Document = {}
_READERS: dict[str, Callable[[Any], Any]] = {"timestamp": parse_timestamp, "json": canonical}
_PROJECTIONS = {table.name: Projection(table) for table in _TABLE_OF.values()}
_PROMOTION = Projection(PROMOTE_IMAGE_ACTIONS)
_CONDITION = Projection(TRIGGER_CONDITIONS)
_VARIABLE = Projection(VARIABLES)
_PERMISSION = Projection(PERMISSIONS)


def _stamped(stamp: RunKey, key: Key) -> Row:
    """Return what every row begins with, in the order of `_STAMPED`."""
    return (
        stamp.run_id, stamp.run_date, key.installation, key.workspace, key.project, key.pipeline_id, key.action_id,
    )  # fmt: skip


def _seen(stamp: RunKey, seen: ListedItem) -> tuple[str, Row]:
    table = _TABLE_OF[seen.kind].name
    projection = _PROJECTIONS[table]
    # Of what could not be read only the key is believed.
    document = seen.document if seen.readable else _NOTHING
    rest = projection.leftover(document)
    if seen.envelope:
        rest = {**rest, **seen.envelope}
    given = {"coverage": seen.coverage, "position": seen.position, "extra": canonical(rest) if rest else None}
    return table, projection.row(_stamped(stamp, seen.key), document, given)


def _promotion(stamp: RunKey, promotion: Promotion) -> Rows:
    document = promotion.document
    stamped = _stamped(stamp, promotion.key)
    rest = _PROMOTION.leftover(document)
    _drop_known(rest, promotion.key)
    for end in ("src", "dest"):
        document = _named_integration(document, end, rest)
    rows = _conditions(stamped, document.get("trigger_conditions") or ())
    rows += _variables(stamped, document.get("variables") or ())
    rows += _permissions(stamped, document.get("permissions") or {}, rest)
    # In whole seconds: finer ones tell nothing and would cost more bytes than all other columns of a merged month.
    fetched_at = _naive(promotion.fetched_at.replace(microsecond=0))
    given = {"fetched_at": fetched_at, "extra": canonical(rest) if rest else None}
    rows.append(("promote_image_actions", _PROMOTION.row(stamped, document, given)))
    return rows


def _drop_known(rest: Document, key: Key) -> None:
    """Take out of `rest` what other columns and tables hold: the ids, the child lists, and empty objects."""
    if rest.get("id") in {key.action_id, None}:
        rest.pop("id", None)
    for name in ("trigger_conditions", "variables"):
        rest.pop(name, None)
    pipeline = rest.get("pipeline")
    if pipeline and pipeline.get("id") in {key.pipeline_id, None}:
        pipeline.pop("id", None)
        if not pipeline:
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


def _conditions(stamped: Row, conditions: Sequence[Document]) -> Rows:
    rows = []
    for position, condition in enumerate(conditions, start=1):
        rest = _CONDITION.leftover(condition)
        zone, older = condition.get("timezone"), rest.pop("zone_id", None)
        if zone is None and older is not None:
            condition = {**condition, "timezone": older}
        elif older not in {None, zone}:
            rest["zone_id"] = older
        given = {"position": position, "extra": canonical(rest) if rest else None}
        rows.append(("trigger_conditions", _CONDITION.row(stamped, condition, given)))
    return rows


def _variables(stamped: Row, variables: Sequence[Document]) -> Rows:
    rows = []
    for position, variable in enumerate(variables, start=1):
        state = value_state(variable.get("value"))
        rest = _VARIABLE.leftover(variable)
        given = {"position": position, "value_state": state, "extra": canonical(rest) if rest else None}
        shown = variable if state == "kept" else {**variable, "value": None}
        rows.append(("variables", _VARIABLE.row(stamped, shown, given)))
    return rows


def value_state(value: str | None) -> str:
    """Say what became of a variable's value: absent, empty, encrypted, redacted or kept."""
    if value is None:
        return "absent"
    return {"": "empty", ENCRYPTED: "encrypted", REDACTED: "redacted"}.get(value, "kept")


def _permissions(stamped: Row, permissions: Document, rest: Document) -> Rows:
    rows = []
    left = {n: v for n, v in permissions.items() if n not in {"others", "users", "groups"}}
    for member, principal_type in (("users", "user"), ("groups", "group")):
        unknown = []
        named = set()
        given = {"principal_type": principal_type}
        for principal in permissions.get(member) or ():
            number = principal["id"]
            if number in named or _PERMISSION.leftover(principal):
                unknown.append(principal)
            if number not in named:
                named.add(number)
                rows.append(("permissions", _PERMISSION.row(stamped, principal, given)))
        if unknown:
            left[member] = unknown
    rest.pop("permissions", None)
    if left:
        rest["permissions"] = left
    return rows


def _problem(stamp: RunKey, problem: Problem) -> Row:
    given: Document = dict(zip(_STAMPED, _stamped(stamp, problem.key), strict=True))
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

"""Flatten crawl records to rows: pure, one tuple per row in the contract's column order."""

from collections.abc import Sequence
from datetime import UTC, datetime

from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.requests import Kind
from collector.crawl.records import (
    CrawlRecord,
    Key,
    ListedItem,
    PipelineRead,
    Problem,
    Promotion,
    ReadExecution,
    ReadHistory,
    WorkspacePrincipal,
)
from collector.lake.action_state import state_row
from collector.lake.projection import (
    EMPTY,
    LEADING,
    Document,
    Projection,
    Row,
    Rows,
    RunKey,
    canonical,
    extra_json,
    leading_values,
    naive_utc,
)
from collector.lake.tables import TABLES

_LISTED = {
    kind: (kind.value, Projection(TABLES[kind.value]))
    for kind in (Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES, Kind.ACTIONS)
}  # fmt: skip
_PROMOTION = Projection(TABLES["promote_image_actions"])
_CONDITION = Projection(TABLES["trigger_conditions"])
_VARIABLE = Projection(TABLES["variables"])
_PERMISSION = Projection(TABLES["permissions"])
_EXECUTION = Projection(TABLES["executions"])
_ELEMENT = Projection(TABLES["action_executions"])
_PRINCIPAL = Projection(TABLES["principals"])
_PROBLEM_COLUMNS = TABLES["problems"].column_names


def flatten(run_key: RunKey, record: CrawlRecord) -> Rows:
    """Return (table name, row) of each row that a crawl record makes."""
    if isinstance(record, ListedItem):
        return [_listed_row(run_key, record)]
    if isinstance(record, Promotion):
        return _promotion_rows(run_key, record)
    if isinstance(record, ReadExecution):
        return _execution_rows(run_key, record)
    if isinstance(record, ReadHistory):
        return [_history_row(run_key, record)]
    if isinstance(record, WorkspacePrincipal):
        own = {"principal_type": record.principal_type, "extra": extra_json(_PRINCIPAL.leftover(record.document))}
        return [("principals", _PRINCIPAL.row(leading_values(run_key, record.key), record.document, own))]
    if isinstance(record, PipelineRead):
        return [_pipeline_state_row(run_key, record)]
    return [_problem_row(run_key, record)]


def _listed_row(run_key: RunKey, item: ListedItem) -> tuple[str, Row]:
    table, projection = _LISTED[item.kind]
    # Only the key of an unreadable item is used.
    document = item.document if item.readable else EMPTY
    rest = projection.leftover(document)
    if item.envelope:
        rest = {**rest, **item.envelope}
    own = {
        "coverage": item.coverage,
        "position": item.position,
        "extra": extra_json(rest),
        "executions_coverage": item.executions_coverage,
        "executions_from": item.executions_from,
    }
    return table, projection.row(leading_values(run_key, item.key), document, own)


def _promotion_rows(run_key: RunKey, promotion: Promotion) -> Rows:
    document = promotion.document
    leading = leading_values(run_key, promotion.key)
    rest = _PROMOTION.leftover(document)
    _drop_known(rest, promotion.key)
    for end in ("src", "dest"):
        document = _with_integration_name(document, end, rest)
    children = {
        "trigger_conditions": _condition_rows(leading, document.get("trigger_conditions") or ()),
        "variables": _variable_rows(leading, document.get("variables") or ()),
        "permissions": _permission_rows(leading, document.get("permissions") or {}, rest),
    }
    own = {"fetched_at": _whole_seconds(promotion.fetched_at), "extra": extra_json(rest)}
    action = _PROMOTION.row(leading, document, own)
    rows: Rows = [(name, row) for name, of_table in children.items() for row in of_table]
    rows += (("promote_image_actions", action), ("action_state", state_row(action, children)))
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


def _condition_rows(leading: Row, conditions: Sequence[Document]) -> list[Row]:
    rows = []
    for position, condition in enumerate(conditions, start=1):
        rest = _CONDITION.leftover(condition)
        zone, old_name = condition.get("timezone"), rest.pop("zone_id", None)
        if zone is None and old_name is not None:
            condition = {**condition, "timezone": old_name}
        elif old_name not in {None, zone}:
            rest["zone_id"] = old_name
        own = {"position": position, "extra": extra_json(rest)}
        rows.append(_CONDITION.row(leading, condition, own))
    return rows


def _variable_rows(leading: Row, variables: Sequence[Document]) -> list[Row]:
    rows = []
    for position, variable in enumerate(variables, start=1):
        state = value_state(variable.get("value"))
        own = {"position": position, "value_state": state, "extra": extra_json(_VARIABLE.leftover(variable))}
        if state != "kept":
            own["value"] = None
        rows.append(_VARIABLE.row(leading, variable, own))
    return rows


def value_state(value: str | None) -> str:
    """Return the state of a variable's value: absent, empty, encrypted, redacted or kept."""
    if value is None:
        return "absent"
    return {"": "empty", ENCRYPTED: "encrypted", REDACTED: "redacted"}.get(value, "kept")


def _permission_rows(leading: Row, permissions: Document, rest: Document) -> list[Row]:
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
                rows.append(_PERMISSION.row(leading, principal, own))
        if kept_whole:
            left[member] = kept_whole
    rest.pop("permissions", None)
    if left:
        rest["permissions"] = left
    return rows


def _execution_rows(run_key: RunKey, execution: ReadExecution) -> Rows:
    document = execution.document
    rest = _EXECUTION.leftover(document)
    kept = {position for position, _ in execution.elements}
    elements = rest.pop("action_executions", None) or ()
    # Elements without a row of their own: those of other actions, and those that break the contract.
    others = [each for position, each in enumerate(elements, start=1) if position not in kept]
    if others:
        rest["action_executions"] = others
    own = {
        "id": execution.execution_id,
        "coverage": execution.coverage,
        "fetched_at": None if execution.fetched_at is None else _whole_seconds(execution.fetched_at),
        "extra": extra_json(rest),
    }
    leading = leading_values(run_key, execution.key)
    rows: Rows = [("executions", _EXECUTION.row(leading, document, own))]
    for position, element in execution.elements:
        own = {
            "execution_id": execution.execution_id, "position": position,
            "extra": extra_json(_ELEMENT.leftover(element)),
        }  # fmt: skip
        rows.append(("action_executions", _ELEMENT.row(leading, element, own)))
    return rows


def _history_row(run_key: RunKey, read: ReadHistory) -> tuple[str, Row]:
    history = read.history
    known = canonical(history.known) if history.known else None
    leading = leading_values(run_key, read.key)[:-1]
    return "execution_state", (*leading, history.complete_from, history.highest_id, known)


def _pipeline_state_row(run_key: RunKey, read: PipelineRead) -> tuple[str, Row]:
    read_at, asked_at = (None if each is None else _whole_seconds(each) for each in (read.read_at, read.asked_at))
    source = None if read_at is None else run_key.run_id
    leading = leading_values(run_key, read.key)[:-1]
    return "pipeline_state", (
        *leading, read.entry_hash, read_at, source, asked_at, read.requests, read.executions_from, read.read_with,
    )  # fmt: skip


def _whole_seconds(moment: datetime) -> datetime:
    """Return a moment without fractions, which would take more bytes than all other columns of a compacted month."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None)


def _problem_row(run_key: RunKey, problem: Problem) -> tuple[str, Row]:
    values: Document = dict(zip(LEADING, leading_values(run_key, problem.key), strict=True))
    values |= {name: getattr(problem, name) for name in _PROBLEM_COLUMNS if name not in values}
    for name in ("first_seen_at", "last_seen_at"):
        values[name] = naive_utc(values[name])
    return "problems", tuple([values[name] for name in _PROBLEM_COLUMNS])

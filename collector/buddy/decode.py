"""Decode a JSON document into items that are checked one by one.

The law: one bad item never costs its neighbours. A list is read item by item. An item that breaks the contract is never
guessed at: it carries a `SchemaViolation` (message and JSON path) and as much of its key as could be read.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from collector.buddy import executions, schema
from collector.buddy.field_spec import BuddyObject, field_specs
from collector.buddy.placeholders import NO_CHARACTER
from collector.buddy.requests import Kind, Request
from collector.buddy.timestamps import parse_timestamp
from collector.buddy.unicode_repair import place_of_placeholder

Document = dict[str, Any]

_ITEM_TYPES: dict[Kind, type[BuddyObject]] = {
    Kind.WORKSPACES: schema.ShortWorkspace,
    Kind.PROJECTS: schema.ShortProject,
    Kind.PIPELINES: schema.ShortPipeline,
    Kind.ACTIONS: schema.ShortAction,
    Kind.EXECUTIONS: executions.ShortExecution,
    Kind.MEMBERS: schema.NamedPrincipal,
    Kind.GROUPS: schema.NamedPrincipal,
}
# The field that names an item in the addresses of its children.
KEY_FIELDS = {
    Kind.WORKSPACES: "domain", Kind.PROJECTS: "name", Kind.PIPELINES: "id", Kind.ACTIONS: "id", Kind.EXECUTIONS: "id",
    Kind.MEMBERS: "id", Kind.GROUPS: "id",
}  # fmt: skip
_TEXT_KEYS = frozenset({Kind.WORKSPACES, Kind.PROJECTS})
_INT64 = range(-(2**63), 2**63)
_CHECKED: tuple[type[BuddyObject], ...] = (*_ITEM_TYPES.values(), executions.ActionExecution)
# msgspec sees timestamps as text, because Buddy's dates leave out what msgspec's own parser requires.
_TIMESTAMPS: dict[type[BuddyObject], tuple[str, ...]] = {
    item_type: tuple(spec.name for spec in field_specs(item_type) if spec.column_type == "timestamp")
    for item_type in _CHECKED
}


_TYPE_NAMES = {
    type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list",
}  # fmt: skip


class SchemaViolation(msgspec.Struct, frozen=True):
    """Why an item breaks the contract: a message and the JSON path of the place."""

    message: str
    json_path: str


class Item(msgspec.Struct, frozen=True):
    """One element of a list: its key (None if it cannot be read), its JSON, its violation if any, and its JSON path."""

    key: str | int | None
    document: Document
    violation: SchemaViolation | None
    json_path: str = "$"


class ListPage(msgspec.Struct, frozen=True):
    """One page of a list: its items in order, and the members of the reply around the list."""

    items: tuple[Item, ...]
    envelope: Document


class Detail(msgspec.Struct, frozen=True):
    """A single action, or why it cannot be read; `is_promote_image` is False when it states another type."""

    document: Document
    violation: SchemaViolation | None
    is_promote_image: bool


class ExecutionDetail(msgspec.Struct, frozen=True):
    """A single execution, or why it cannot be read, and the elements of promote-image actions by position from 1.

    An element that breaks the contract is an item with a violation.
    """

    document: Document
    violation: SchemaViolation | None
    elements: tuple[tuple[int, Item], ...] = ()


Content = ListPage | Detail | ExecutionDetail


def decode(request: Request, document: Document, *, repaired: bool = False) -> Content:
    """Return the content of the reply to `request`, without an error for any content.

    The document of a list request is known to hold the list. `repaired` says that the reply holds placeholders for
    broken Unicode (unicode_repair.py).
    """
    if request.kind is Kind.ACTION:
        return _action(request, document, repaired)
    if request.kind is Kind.EXECUTION:
        return _execution(request, document, repaired)
    list_name = request.kind.value
    items = tuple(
        _item(request.kind, raw, f"$.{list_name}[{index}]", repaired) for index, raw in enumerate(document[list_name])
    )
    return ListPage(items, {name: value for name, value in document.items() if name != list_name})


def check_promote_image(document: Document, json_path: str = "$") -> SchemaViolation | None:
    """Return how a promote-image action breaks the contract, or None."""
    return _violation(schema.PromoteImageAction, document, json_path)


def carries_ends(document: Mapping[str, Any]) -> bool:
    """Return whether a list item already holds both ends, so that its own GET would add nothing."""
    return isinstance(document.get("src"), dict) and isinstance(document.get("dest"), dict)


def _action(request: Request, document: Document, repaired: bool) -> Detail:
    """Return one action. A reply about another action, or without id and type, is a violation."""
    action_type, action_id = document.get("type"), document.get("id")
    # A type that is not text cannot be another type: it is checked, and found to be a violation.
    is_promote_image = not isinstance(action_type, str) or action_type == schema.PROMOTE_IMAGE
    violation = check_promote_image(document) if is_promote_image else None
    if action_id is None and action_type is None:
        # Every field may be missing, but something has to show that this is an action.
        violation = SchemaViolation("The reply holds neither the id nor the type of an action", "$")
    if violation is None and action_id is not None and action_id != request.action_id:
        violation = SchemaViolation(f"The reply is about action {action_id}, not {request.action_id}", "$.id")
    if violation is None and repaired:
        violation = _broken_text(document, "$")
    return Detail(document, violation, is_promote_image)


def _execution(request: Request, document: Document, repaired: bool) -> ExecutionDetail:
    """Return one execution. A reply about another execution, or without its elements, is a violation."""
    document = executions.normalise_execution(document)
    violation = _violation(executions.ShortExecution, document, "$")
    if violation is None and document["id"] != request.execution_id:
        violation = SchemaViolation(
            f"The reply is about execution {document['id']}, not {request.execution_id}", "$.id"
        )
    elements = document.get("action_executions")
    if violation is None and not isinstance(elements, list):
        violation = SchemaViolation("The reply does not hold the elements of the execution", "$.action_executions")
    if violation is None and repaired:
        violation = _broken_text(document, "$")
    if violation is not None:
        return ExecutionDetail(document, violation)
    promotions = [(n, each) for n, each in enumerate(elements or (), start=1) if executions.is_promotion(each)]
    return ExecutionDetail(document, None, tuple((n, _element(each, n)) for n, each in promotions))


def _element(element: Document, position: int) -> Item:
    path = f"$.action_executions[{position - 1}]"
    return Item(position, element, _violation(executions.ActionExecution, element, path), path)


def _item(kind: Kind, raw: Any, path: str, repaired: bool) -> Item:
    if not isinstance(raw, dict):
        return Item(
            None, {"item": raw}, SchemaViolation(f"Expected an object, got {_TYPE_NAMES[type(raw)]}", path), path
        )
    if kind is Kind.EXECUTIONS:
        raw = executions.normalise_execution(raw)
    violation = _violation(_ITEM_TYPES[kind], raw, path)
    if violation is None and repaired:
        violation = _broken_text(raw, path)
    return Item(_key(kind, raw, repaired), raw, violation, path)


def _broken_text(document: Any, json_path: str) -> SchemaViolation | None:
    place = place_of_placeholder(document, json_path)
    return None if place is None else SchemaViolation("A text holds broken Unicode", place)


def _key(kind: Kind, raw: Document, repaired: bool) -> str | int | None:
    key = raw.get(KEY_FIELDS[kind])
    if kind in _TEXT_KEYS:
        # The real name behind a placeholder is unknown, so nothing below the item can be requested.
        return key if isinstance(key, str) and key and not (repaired and NO_CHARACTER in key) else None
    return key if isinstance(key, int) and not isinstance(key, bool) and key in _INT64 else None


def _violation(buddy_object: type[BuddyObject], document: Document, json_path: str) -> SchemaViolation | None:
    try:
        msgspec.convert(document, buddy_object)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        return SchemaViolation(message, json_path + path.rstrip("`"))
    for name in _TIMESTAMPS.get(buddy_object, ()):
        text = document.get(name)
        if text is not None and parse_timestamp(text) is None:
            return SchemaViolation("Expected an ISO 8601 date and time", f"{json_path}.{name}")
    return None

"""From a decoded JSON document to items that are understood, each on its own.

The law: one bad item never costs its neighbours. A list is read item by item; an item that breaks the contract carries
a `SchemaViolation` (message and JSON path) instead of being guessed at, together with as much of its key as could be read.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from collector.buddy.field_spec import BuddyObject, field_specs
from collector.buddy.placeholders import NO_CHARACTER
from collector.buddy.requests import Kind, Request
from collector.buddy.schema import (
    PROMOTE_IMAGE,
    PromoteImageAction,
    ShortAction,
    ShortPipeline,
    ShortProject,
    ShortWorkspace,
)
from collector.buddy.timestamps import parse_timestamp
from collector.buddy.unicode_repair import place_of_placeholder

Document = dict[str, Any]

ITEM_VIEWS: dict[Kind, type[BuddyObject]] = {
    Kind.WORKSPACES: ShortWorkspace,
    Kind.PROJECTS: ShortProject,
    Kind.PIPELINES: ShortPipeline,
    Kind.ACTIONS: ShortAction,
}
# The field that names an item in the addresses of its children.
KEY_FIELDS = {Kind.WORKSPACES: "domain", Kind.PROJECTS: "name", Kind.PIPELINES: "id", Kind.ACTIONS: "id"}
_TEXT_KEYS = frozenset({Kind.WORKSPACES, Kind.PROJECTS})
_INT64 = range(-(2**63), 2**63)


class SchemaViolation(msgspec.Struct, frozen=True):
    """How an item broke the contract: our words and the JSON path of the place."""

    message: str
    json_path: str


class Item(msgspec.Struct, frozen=True):
    """One element of a list: its key (None if even that is unreadable), its JSON, the breach, if any, and its JSON path."""

    key: str | int | None
    document: Document
    breach: SchemaViolation | None
    at: str = "$"


class ListPage(msgspec.Struct, frozen=True):
    """One page of a list: its items in order, and the members of the reply around the list."""

    items: tuple[Item, ...]
    envelope: Document


class Detail(msgspec.Struct, frozen=True):
    """A single action, or why it can't be read; `is_promote_image` is False when it says that it is of another type."""

    document: Document
    breach: SchemaViolation | None
    is_promote_image: bool


def decode(request: Request, document: Document, *, marked: bool = False) -> ListPage | Detail:
    """Read the reply to `request`; raises nothing for whatever stands in an item."""
    # `marked`: marks stand where the reply held no characters (characters.py).
    if request.kind is Kind.ACTION:
        return decode_action(request, document, marked=marked)
    return decode_list(request.kind, document, marked=marked)


def decode_list(kind: Kind, document: Document, *, marked: bool = False) -> ListPage:
    """Read one page of a list whose envelope is known to hold a list under the kind's name."""
    items = tuple(_item(kind, raw, index, marked) for index, raw in enumerate(document[kind.value]))
    envelope = {name: value for name, value in document.items() if name != kind.value}
    return ListPage(items, envelope)


def decode_action(request: Request, document: Document, *, marked: bool = False) -> Detail:
    """Read the reply to one action's GET; one about another action, or about nobody knows which, is a breach."""
    told = document.get("type")
    # Whatever isn't a text can't be another type: it is checked, and found in breach.
    is_promote_image = not isinstance(told, str) or told == PROMOTE_IMAGE
    breach = check_promote_image(document) if is_promote_image else None
    answered = document.get("id")
    if answered is None and told is None:
        # Every field may be missing, but not all that tells whose fields they are: nothing shows that this is an action.
        breach = SchemaViolation("The reply holds neither the id nor the type of an action", "$")
    if breach is None and answered is not None and answered != request.action_id:
        breach = SchemaViolation(f"The reply is about action {answered}, not {request.action_id}", "$.id")
    if breach is None and marked:
        breach = _no_character(document, "$")
    return Detail(document, breach, is_promote_image)


def check_promote_image(document: Document, at: str = "$") -> SchemaViolation | None:
    """Return what in a promote-image action breaks the contract, None when it is sound."""
    return _breach(PromoteImageAction, document, at)


def carries_ends(document: Mapping[str, Any]) -> bool:
    """True when a list item already holds both ends, so that its own GET would tell nothing new."""
    return isinstance(document.get("src"), dict) and isinstance(document.get("dest"), dict)


def _item(kind: Kind, raw: Any, index: int, marked: bool) -> Item:
    at = f"$.{kind.value}[{index}]"
    if not isinstance(raw, dict):
        return Item(None, {"item": raw}, SchemaViolation(f"Expected an object, got {_type_name(raw)}", at), at)
    breach = _breach(ITEM_VIEWS[kind], raw, at)
    if breach is None and marked:
        breach = _no_character(raw, at)
    return Item(_key(kind, raw, marked), raw, breach, at)


def _no_character(document: Any, at: str) -> SchemaViolation | None:
    place = place_of_placeholder(document, at)
    return None if place is None else SchemaViolation("A text holds what is no character", place)


def _key(kind: Kind, raw: Document, marked: bool) -> str | int | None:
    key = raw.get(KEY_FIELDS[kind])
    if kind in _TEXT_KEYS:
        # What the key is where a mark stands nobody knows, so nothing below it can be asked for.
        return key if isinstance(key, str) and key and not (marked and NO_CHARACTER in key) else None
    return key if isinstance(key, int) and not isinstance(key, bool) and key in _INT64 else None


def _breach(view: type[BuddyObject], document: Document, at: str) -> SchemaViolation | None:
    try:
        msgspec.convert(document, view)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        return SchemaViolation(message, at + path.rstrip("`"))
    for name in _TIMESTAMPS.get(view, ()):
        text = document.get(name)
        if text is not None and parse_timestamp(text) is None:
            return SchemaViolation("Expected an ISO 8601 date and time", f"{at}.{name}")
    return None


# msgspec sees them as text: Buddy's dates leave out what its own reader insists on.
_TIMESTAMPS: dict[type[BuddyObject], tuple[str, ...]] = {
    view: tuple(d.name for d in field_specs(view) if d.logical == "timestamp") for view in ITEM_VIEWS.values()
}


def _type_name(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names[type(value)]

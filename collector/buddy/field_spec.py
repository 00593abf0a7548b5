"""How a field of Buddy's reply is declared: once, with its meaning, and read by everything else.

A view (views.py) is a msgspec Struct whose annotations carry `field(...)`. From that one line come decoding
(msgspec checks the type and names the JSON path of a breach), the Arrow column (lake/tables.py) and the data
dictionary (`collector tables`). Rules for whoever adds a field:

- everything except the keys we build requests from is optional, and null equals missing (buddy-api.md, section 4);
- an enumeration is a `str`: Buddy adds values often, and an unknown value is data, not an error;
- integers are bounded to 64 bits, because an Arrow int64 column has to hold them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

ColumnType = Literal["string", "int", "bool", "strings", "ints", "timestamp", "json", "view", "views"]

Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class BuddyObject(msgspec.Struct, frozen=True):
    """A typed reading of one JSON object; unknown members are left to `extra`, never refused."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One declared field: its name in the reply, what it holds, in which unit, and which values are documented."""

    name: str
    logical: ColumnType
    meaning: str
    unit: str | None
    values: tuple[str, ...]
    view: type[BuddyObject] | None


def field(
    meaning: str, *, unit: str | None = None, values: tuple[str, ...] = (), logical: ColumnType | None = None
) -> msgspec.Meta:
    """Return the annotation that declares a field.

    `unit` is Buddy's own (seconds stay seconds); `values` are the documented enum values, used for the warning about
    unknown ones and never for refusing; `logical` overrides what the Python type implies (a timestamp is a `str` here).
    """
    return msgspec.Meta(
        description=meaning, extra={"declared": True, "unit": unit, "values": values, "logical": logical}
    )


def field_specs(view: type[BuddyObject]) -> Iterator[FieldSpec]:
    """Yield the fields of a view in declaration order."""
    for name, hint in get_type_hints(view, include_extras=True).items():
        meta = next(m for m in get_args(hint)[1:] if isinstance(m, msgspec.Meta) and m.extra)
        assert meta.extra is not None
        inner, nested = _logical(get_args(hint)[0])
        yield FieldSpec(
            name=name,
            logical=meta.extra["logical"] or inner,
            meaning=meta.description or "",
            unit=meta.extra["unit"],
            values=meta.extra["values"],
            view=nested,
        )


def _logical(hint: Any) -> tuple[ColumnType, type[BuddyObject] | None]:
    if get_origin(hint) is Annotated:
        return _logical(get_args(hint)[0])
    members = [h for h in get_args(hint) if h is not type(None)] if _is_optional(hint) else [hint]
    first = members[0]
    if get_origin(first) is Annotated:
        first = get_args(first)[0]
    if get_origin(first) is list:
        element, view = _logical(get_args(first)[0])
        plural: dict[str, ColumnType] = {"string": "strings", "int": "ints", "view": "views"}
        return plural[element], view
    if isinstance(first, type) and issubclass(first, BuddyObject):
        return "view", first
    scalars: dict[Any, ColumnType] = {str: "string", int: "int", bool: "bool", Any: "json"}
    return scalars[first], None


def _is_optional(hint: Any) -> bool:
    return type(None) in get_args(hint) or (len(get_args(hint)) > 1 and get_origin(hint) is not list)

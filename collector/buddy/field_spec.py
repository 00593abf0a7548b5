"""How a field of Buddy's replies is declared: once, with its meaning. Everything else is made from the declaration.

A class of schema.py is a msgspec Struct whose annotations carry `field(...)`. From that one line come decoding (msgspec
checks the type and names the JSON path of a violation), the Arrow column (lake/tables.py), the data dictionary
(`collector tables`), the checks of a run and the comparison that finds changes. Rules for adding a field:

- only keys that requests are built from are required, and null equals missing (buddy-api.md, section 4);
- an enumeration is a `str`: Buddy often adds values, and an unknown value is data, not an error;
- integers are bounded to 64 bits, because an Arrow int64 column has to hold them.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import inspect

ColumnType = Literal[
    "string", "int", "float", "bool", "date", "timestamp", "json", "strings", "ints", "object", "objects"
]  # fmt: skip

Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]

_SCALARS: dict[type[inspect.Type], ColumnType] = {
    inspect.StrType: "string", inspect.IntType: "int", inspect.BoolType: "bool", inspect.AnyType: "json",
    inspect.FloatType: "float",
}  # fmt: skip
_LISTS: dict[ColumnType, ColumnType] = {"string": "strings", "int": "ints", "object": "objects"}


class BuddyObject(msgspec.Struct, frozen=True):
    """A typed reading of one JSON object; unknown members are left to `extra`, never refused."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One declared field: its name in the reply, its type, meaning and unit, and the documented enum values."""

    name: str
    column_type: ColumnType
    meaning: str
    unit: str | None
    values: tuple[str, ...]
    required: bool
    nested: type[BuddyObject] | None


def field(
    meaning: str, *, unit: str | None = None, values: tuple[str, ...] = (), column_type: ColumnType | None = None
) -> msgspec.Meta:
    """Return the annotation that declares a field.

    `unit` is Buddy's own (seconds stay seconds). `values` are the documented enum values: an unknown one causes a
    warning and is kept. `column_type` overrides what the Python type implies (a timestamp is a `str` here).
    """
    return msgspec.Meta(extra={"meaning": meaning, "unit": unit, "values": values, "column_type": column_type})


@cache
def field_specs(buddy_object: type[BuddyObject]) -> tuple[FieldSpec, ...]:
    """Return the fields of a class in declaration order."""
    struct = inspect.type_info(buddy_object)
    assert isinstance(struct, inspect.StructType)
    return tuple(map(_field_spec, struct.fields))


def _field_spec(member: inspect.Field) -> FieldSpec:
    assert isinstance(member.type, inspect.Metadata), f"{member.name} has no field(...)"
    declared = member.type.extra or {}
    column_type, nested = _column_type(member.type.type)
    return FieldSpec(
        member.name, declared["column_type"] or column_type, declared["meaning"], declared["unit"],
        declared["values"], member.required, nested,
    )  # fmt: skip


def _column_type(kind: inspect.Type) -> tuple[ColumnType, type[BuddyObject] | None]:
    """Return the column type of a Python type, of a union that of its first member, and the class of its objects."""
    if isinstance(kind, inspect.UnionType):
        kind = kind.types[0]
    if isinstance(kind, inspect.ListType):
        element, nested = _column_type(kind.item_type)
        return _LISTS[element], nested
    if isinstance(kind, inspect.StructType):
        assert issubclass(kind.cls, BuddyObject)
        return "object", kind.cls
    return _SCALARS[type(kind)], None

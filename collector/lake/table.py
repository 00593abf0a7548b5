"""What a table of the lake is: its columns, their types, and columns made from the declared fields of Buddy.

Arrow is imported only where its types themselves are needed: to import it takes longer than to answer many commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from collector.buddy.field_spec import BuddyObject, ColumnType, field_specs

if TYPE_CHECKING:
    import pyarrow as pa

_FINGERPRINT_DIGITS = 16
# Arrow's and DuckDB's name of the type of a column.
_TYPES: dict[ColumnType, tuple[str, str]] = {
    "string": ("string", "VARCHAR"),
    "int": ("int64", "BIGINT"),
    "float": ("double", "DOUBLE"),
    "bool": ("bool", "BOOLEAN"),
    "date": ("date32[day]", "DATE"),
    "timestamp": ("timestamp[us]", "TIMESTAMP"),
    "json": ("string", "VARCHAR"),
    "strings": ("list<item: string>", "VARCHAR[]"),
    "ints": ("list<item: int64>", "BIGINT[]"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `source` is its path in the reply, empty when the collector itself fills it.

    `values` are the enum values. A required column is never NULL, except outside the key of a quarantined row.
    """

    name: str
    column_type: ColumnType
    meaning: str
    unit: str | None = None
    values: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    required: bool = False

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return _arrow_type(self.arrow_name)

    @property
    def arrow_name(self) -> str:
        """Arrow's name of the type."""
        return _TYPES[self.column_type][0]

    @property
    def sql(self) -> str:
        """DuckDB's name of the type."""
        return _TYPES[self.column_type][1]


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns in the promised order, and the columns that a file is sorted by.

    The key makes a row unique in the lake if `unique`. Every row has its parent in the table `parent`, if there is one.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parent: str | None = None
    unique: bool = True

    @cached_property
    def schema(self) -> pa.Schema:
        """The exact Arrow schema of every file of this table."""
        import pyarrow as pa

        return pa.schema([pa.field(c.name, c.arrow) for c in self.columns])

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of every file written under the current contract."""
        return _fingerprint((c.name, c.arrow_name) for c in self.columns)


def schema_fingerprint(schema: pa.Schema) -> str:
    """Return a short name for the columns of a file: equal when names, types and order are equal."""
    return _fingerprint((field.name, str(field.type)) for field in schema)


def _fingerprint(columns: Iterable[tuple[str, str]]) -> str:
    text = "\n".join(f"{name} {kind}" for name, kind in columns)
    # A list's element is called `item` in memory and `element` in Parquet: the same type by another name.
    return sha256(text.replace("<element:", "<item:").encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@cache
def _arrow_type(name: str) -> pa.DataType:
    import pyarrow as pa

    item = name.removeprefix("list<item: ").removesuffix(">")
    return pa.type_for_alias(item) if item == name else pa.list_(pa.type_for_alias(item))


def api_columns(
    buddy_object: type[BuddyObject],
    *,
    at: tuple[str, ...] = (),
    prefix: str = "",
    rename: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    last: str | None = None,
    after: str | None = None,
) -> tuple[Column, ...]:
    """Return a column for each declared field that is not an object, found under `at` in the reply, in declared order.

    `last` and `after` select the fields up to and including one, or those behind it.
    """
    specs = field_specs(buddy_object)
    names = [spec.name for spec in specs]
    chosen = specs[names.index(after) + 1 if after else 0 : names.index(last) + 1 if last else None]
    return tuple(
        Column(
            prefix + (rename or {}).get(spec.name, spec.name), spec.column_type, spec.meaning, spec.unit, spec.values,
            (*at, spec.name), spec.required,
        )
        for spec in chosen
        if spec.nested is None and spec.name not in without
    )  # fmt: skip

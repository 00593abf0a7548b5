"""Text of SQL: names and values in it, the select over the files of one table, and the casts that Arrow needs.

A base view reads an explicit list of files, never a pattern. Files of an older contract have fewer columns; each group
of equal schema is one `read_parquet`, and the groups are united by name under an empty select with every column's type.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.lake.table import Table

_PATTERN_CHARACTER = re.compile(r"[*?\[]")
# Types that Arrow cannot represent exactly: it would turn a bit string into bytes, drop the zone of a time, change the
# largest integers, and make of an interval a type that neither Python nor Parquet has. A quoted name is passed over; a
# name without quotes is followed by its type.
_INEXACT = re.compile(
    r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|"""
    r"""\b(?:BIGNUM|BIT|GEOMETRY|INTERVAL|TIME WITH TIME ZONE|UHUGEINT|VARIANT)\b(?:\('[^']*'\))?(?=[\[,)]|$)"""
)


class CurrentSchemaFiles(tuple[Path | str, ...]):
    """Files that have exactly the columns of the current contract: their view is planned in half the time."""


def literal(text: str) -> str:
    """Return `text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path | str) -> str:
    """Return the path of one file as a SQL string literal in which pattern characters are escaped."""
    return literal(_PATTERN_CHARACTER.sub(r"[\g<0>]", str(path)))


def read_parquet(paths: Sequence[Path | str]) -> str:
    """Return the call that reads exactly these files, all of one schema, without columns made of folder names."""
    return f"read_parquet([{', '.join(map(file_literal, paths))}], hive_partitioning = false)"


def by_schema(table: Table, files: Iterable[tuple[Path | str, str]]) -> list[Sequence[Path | str]]:
    """Group files, each given with the fingerprint of its schema, by equal schema: what `base_view` unites."""
    groups: dict[str, list[Path | str]] = {}
    for path, schema in files:
        groups.setdefault(schema, []).append(path)
    return [CurrentSchemaFiles(group) if schema == table.fingerprint else group for schema, group in groups.items()]


def base_view(table: Table, groups: Sequence[Sequence[Path | str]]) -> str:
    """Return the select over the files of one table: the contract's columns, in its order and types."""
    nulls = ", ".join(f"null::{column.sql} as {identifier(column.name)}" for column in table.columns)
    empty = f"select {nulls} where false"
    if not any(groups):
        return empty
    columns = ", ".join(map(identifier, table.column_names))
    if len(groups) == 1 and isinstance(groups[0], CurrentSchemaFiles):
        return f"select {columns} from {read_parquet(groups[0])}"
    union = "\nunion all by name\n".join([empty, *(f"from {read_parquet(group)}" for group in groups if group)])
    return f"select {columns} from (\n{union}\n)"


def exact_columns(names: Sequence[str], types: Sequence[object]) -> str | None:
    """Return the select list in which values that Arrow cannot represent are text, also inside lists and structs.

    None when there are none.
    """
    kinds = list(map(str, types))
    casts = [_INEXACT.sub(lambda found: found[1] or "VARCHAR", kind) for kind in kinds]
    if casts == kinds:
        return None
    columns = enumerate(zip(names, casts, strict=True), start=1)
    return ", ".join(f"#{number}::{cast} as {identifier(name)}" for number, (name, cast) in columns)

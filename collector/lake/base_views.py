"""The select over the files of one table.

A base view reads an explicit list of files, never a pattern. Files of an older contract have fewer columns; each group
of equal schema is one `read_parquet`, and the groups are united by name under an empty select with every column's type.
"""

from collections.abc import Sequence
from pathlib import Path

from collector.lake.database import file_literal, identifier
from collector.lake.tables import Table


class CurrentSchemaFiles(tuple[Path, ...]):
    """Files that have exactly the columns of the current contract: their view is planned in half the time."""


def base_view(table: Table, groups: Sequence[Sequence[Path]]) -> str:
    """Return the select over the files of one table: the contract's columns, in its order and types."""
    typed = ", ".join(f"null::{column.sql} as {identifier(column.name)}" for column in table.columns)
    empty = f"select {typed} where false"
    if not any(groups):
        return empty
    columns = ", ".join(identifier(name) for name in table.column_names)
    if len(groups) == 1 and isinstance(groups[0], CurrentSchemaFiles):
        return f"select {columns} from {read_parquet(groups[0])}"
    union = "\nunion all by name\n".join([empty, *(f"from {read_parquet(group)}" for group in groups if group)])
    return f"select {columns} from (\n{union}\n)"


def read_parquet(paths: Sequence[Path]) -> str:
    """Return the call that reads exactly these files, all of one schema, without columns made of folder names."""
    return f"read_parquet([{', '.join(file_literal(path) for path in paths)}], hive_partitioning = false)"

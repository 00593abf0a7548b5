"""The select over the files of one table: what views, checks and merges read.

A base view reads an explicit list of files, never a pattern. Files of an older contract have fewer columns; each group of
equal schema is one `read_parquet`, and the groups meet by name under an empty select that gives each column place and type.
"""

from collections.abc import Sequence
from pathlib import Path

from collector.lake.database import file_literal, identifier
from collector.lake.tables import Table


class CurrentSchemaFiles(tuple[Path, ...]):
    """A group of files that have exactly the columns of today's contract, so that nothing is to be filled in."""


def base_view(table: Table, groups: Sequence[Sequence[Path]]) -> str:
    """The select over the files of one table: the contract's columns, in its order and types."""
    typed = ", ".join(f"null::{column.sql} as {identifier(column.name)}" for column in table.columns)
    nothing = f"select {typed} where false"
    if not any(groups):
        return nothing
    columns = ", ".join(identifier(name) for name in table.column_names)
    if len(groups) == 1 and isinstance(groups[0], CurrentSchemaFiles):
        # Says the same as what is below, and is planned in half the time.
        return f"select {columns} from {read_parquet(groups[0])}"
    every = "\nunion all by name\n".join([nothing, *(f"from {read_parquet(group)}" for group in groups if group)])
    return f"select {columns} from (\n{every}\n)"


def read_parquet(paths: Sequence[Path]) -> str:
    """The call that reads exactly these files, all of one schema; folder names never become columns."""
    return f"read_parquet([{', '.join(file_literal(path) for path in paths)}], hive_partitioning = false)"

"""Rows of an answer as Python values: what text, CSV and JSON need.

To import Arrow takes as long as to answer a question about a small lake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class PlainRows:
    """Rows in order, with the names of their columns and DuckDB's names of their types."""

    column_names: Sequence[str]
    types: Sequence[str]
    rows: Sequence[tuple[Any, ...]]

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def slice(self, offset: int, length: int) -> "PlainRows":
        """Return so many rows from one on."""
        return replace(self, rows=self.rows[offset : offset + length])

    def values(self, name: str) -> list[Any]:
        """Return the values of a column."""
        at = self.column_names.index(name)
        return [row[at] for row in self.rows]

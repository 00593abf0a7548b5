"""Verification: every file that the manifest names exists, is intact, and holds what the manifest says.

A damaged file is a finding, not an error: it names the table and the damaged runs, and the other files are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from collector.errors import CollectorError
from collector.lake import parquet
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry
from collector.lake.table import schema_fingerprint
from collector.lake.tables import ALL

Kind = Literal["missing", "size", "hash", "unreadable", "rows", "schema"]


@dataclass(frozen=True, slots=True)
class FileDamage:
    """One file that differs from what the manifest says, and the runs that are damaged with it."""

    kind: Kind
    table: str
    path: str
    runs: tuple[str, ...]
    message: str


def verify(lake: Lake) -> list[FileDamage]:
    """Read every live file and return all differences from the manifest. Never raises because of damage."""
    return [
        FileDamage(kind, table, entry.path, tuple(entry.runs), message)
        for table, entries in lake.manifest.tables.items()
        for entry in entries
        for kind, message in file_damage(lake, table, entry)
    ]


def file_damage(lake: Lake, table: str, entry: FileEntry) -> Iterator[tuple[Kind, str]]:
    """Yield what is wrong with one file, reading no more of it than the findings that are consumed need."""
    try:
        size = lake.storage.size(entry.path)
        if size is None:
            yield "missing", "the file does not exist"
            return
        if size != entry.bytes:
            yield "size", f"it has {size} bytes instead of {entry.bytes}"
        elif lake.storage.sha256(entry.path) != entry.sha256:
            yield "hash", "its content is not what was published (sha256 differs)"
        rows, schema = parquet.read_footer(lake.storage, entry.path)
    except (OSError, pa.ArrowException, CollectorError) as error:
        yield "unreadable", f"it cannot be read: {str(error).splitlines()[0]}"
        return
    if rows != entry.rows:
        yield "rows", f"it has {rows} rows instead of {entry.rows}"
    if schema_fingerprint(schema) != entry.schema:
        differing = sorted({*schema.names} ^ {*(ALL[table].column_names if table in ALL else ())})
        yield "schema", f"its columns are not as published; these differ: {', '.join(differing) or 'types or order'}"

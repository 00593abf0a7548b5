"""Verification: every file that the manifest names exists, is intact, and holds what the manifest says.

A damaged file is a finding, not an error: it names the table and the damaged runs, and the other files are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from collector.errors import CollectorError
from collector.lake import parquet
from collector.lake.lake import Lake
from collector.lake.local_files import sha256_of
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
    """Yield what is wrong with one file as it is stored, reading no more of it than the consumed findings need."""
    try:
        with lake.storage.fetched(entry.path) as path:
            yield from damage_of(path, table, entry)
    except (OSError, CollectorError) as error:
        yield _unreadable(error)


def damage_of(path: Path, table: str, entry: FileEntry) -> Iterator[tuple[Kind, str]]:
    """Yield in what the file at `path` differs from its entry."""
    if not path.is_file():
        yield _unreadable(FileNotFoundError())
        return
    try:
        if (size := path.stat().st_size) != entry.bytes:
            yield "size", f"it has {size} bytes instead of {entry.bytes}"
        elif sha256_of(path) != entry.sha256:
            yield "hash", "its content is not what was published (sha256 differs)"
        footer = parquet.read_footer(path)
    except (OSError, pa.ArrowException) as error:
        yield _unreadable(error)
        return
    if footer.rows != entry.rows:
        yield "rows", f"it has {footer.rows} rows instead of {entry.rows}"
    if schema_fingerprint(footer.schema) != entry.schema:
        differing = sorted({*footer.schema.names} ^ {*(ALL[table].column_names if table in ALL else ())})
        yield "schema", f"its columns are not as published; these differ: {', '.join(differing) or 'types or order'}"


def _unreadable(error: Exception) -> tuple[Kind, str]:
    if isinstance(error, FileNotFoundError):
        return "missing", "the file does not exist"
    return "unreadable", f"it cannot be read: {str(error).splitlines()[0]}"

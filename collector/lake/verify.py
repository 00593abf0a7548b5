"""Verification: is every file that the manifest names there, whole, and what it is said to be?

A damaged file is a finding, not an error: it names the table and the runs harmed, and the rest is looked at
too.
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
from collector.lake.tables import ALL

Kind = Literal["missing", "size", "hash", "unreadable", "rows", "schema"]


@dataclass(frozen=True, slots=True)
class FileDamage:
    """One file that is not what the manifest says, and the runs that cannot be trusted for it."""

    kind: Kind
    table: str
    path: str
    runs: tuple[str, ...]
    message: str


def verify(lake: Lake) -> list[FileDamage]:
    """Read every live file and compare it with the manifest; no finding, no damage. Never raises on
    damage.
    """
    return [
        finding
        for table, entries in lake.manifest.tables.items()
        for entry in entries
        for finding in verify_file(lake, table, entry)
    ]


def verify_file(lake: Lake, table: str, entry: FileEntry) -> Iterator[FileDamage]:
    """What is wrong with one file; reading stops at the first finding if the rest is not asked for."""

    def found(kind: Kind, message: str) -> FileDamage:
        return FileDamage(kind, table, entry.path, tuple(entry.runs), message)

    try:
        stored = lake.storage.stat(entry.path)
        if stored is None:
            yield found("missing", "the file is not there")
            return
        if stored.bytes != entry.bytes:
            yield found("size", f"it has {stored.bytes} bytes instead of {entry.bytes}")
        elif lake.storage.sha256(entry.path) != entry.sha256:
            yield found("hash", "its bytes are not those that were published (sha256 differs)")
        footer = parquet.read_footer(lake.storage, entry.path)
    except (OSError, pa.ArrowException, CollectorError) as error:
        yield found("unreadable", f"it cannot be read: {str(error).splitlines()[0]}")
        return
    if footer.rows != entry.rows:
        yield found("rows", f"it has {footer.rows} rows instead of {entry.rows}")
    if footer.schema != entry.schema:
        yield found("schema", _columns_differ(table, footer.columns))


def _columns_differ(table: str, columns: tuple[str, ...]) -> str:
    known = ALL[table].column_names if table in ALL else ()
    strange = sorted(set(columns) - set(known))
    absent = sorted(set(known) - set(columns))
    words = []
    if strange:
        words.append(f"it has {', '.join(strange)}")
    if absent:
        words.append(f"it lacks {', '.join(absent)}")
    return "its columns are not those that were published: " + ("; ".join(words) or "types or order differ")

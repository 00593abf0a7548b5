"""catalog.duckdb: the same views for any DuckDB client, rebuilt whenever the lake was changed or moved.

DuckDB resolves relative paths against the client's directory, so the views hold absolute paths. The catalog therefore
records where the lake was and which manifest it was made from, and is rebuilt when either differs. It is a convenience:
a lake that cannot be written is still read without it.

DuckDB finds a write-ahead log (WAL) by its name beside the file, and replays it onto whatever file has that name. A
client that dies, or that writes after the catalog was replaced, leaves a WAL that would damage the new catalog. So the
old WAL is removed before a new catalog takes the name, and a catalog with a WAL beside it is never current.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from collector.errors import CollectorError
from collector.lake.database import read_database, write_database
from collector.lake.lake import Lake
from collector.lake.sql_text import identifier, literal
from collector.lake.storage import FILE_MODE, translating
from collector.query.views import Views, live_files, no_files, view_sources

FILE_NAME = "catalog.duckdb"
_ORIGIN = "catalog_origin"


def ensure(lake: Lake) -> None:
    """Build the catalog unless it was made from this manifest at this place. Raises as `build` does."""
    if not lake.storage.shared and not is_current(lake):
        build(lake)


def is_current(lake: Lake) -> bool:
    """Return whether the catalog shows this lake, at this place, as its manifest is now, and no WAL changes it."""
    path = lake.path / FILE_NAME
    if not path.is_file() or any(map(os.path.lexists, _wal_files(path))):
        return False
    try:
        rows = read_database(path, f"select lake, sequence from {_ORIGIN}")
    except CollectorError:
        return False
    return rows == [(str(lake.path), lake.manifest.sequence)]


def build(lake: Lake) -> None:
    """Write the catalog and replace the old one in one step; a client that has the old one open keeps it.

    A lake in object storage gets none, because its views could be bound only to files on this machine. Raises
    CollectorError or OSError when it cannot be written; the old one stays then.
    """
    if lake.storage.shared:
        return
    temporary = lake.path / f"{FILE_NAME}.{os.getpid()}.tmp"
    _remove(*_wal_files(temporary), temporary)  # left by a process that was killed and had the same number
    try:
        write_database(temporary, _statements(lake), readable=lake.path / "tables")
        temporary.chmod(FILE_MODE)
        # In this order: the old catalog is complete without its WAL, the new one is damaged by it.
        _remove(*_wal_files(lake.path / FILE_NAME))
        with translating(lake.path / FILE_NAME):
            os.replace(temporary, lake.path / FILE_NAME)
    finally:
        _remove(*_wal_files(temporary), temporary)


def _statements(lake: Lake) -> Iterator[str]:
    """Yield the statements that make the catalog."""
    # The views of sql/ are bound over tables without files first: over files each would read their footers again.
    without_files = Views(no_files, None, view_sources()).selects()
    for name, select in (*without_files.items(), *Views(live_files(lake), lake.manifest.latest).selects().items()):
        yield f"create or replace view {identifier(name)} as {select}"
    yield (
        f"create table {_ORIGIN} as "
        f"select {literal(str(lake.path))} as lake, {lake.manifest.sequence}::BIGINT as sequence"
    )


def _wal_files(database: Path) -> list[Path]:
    """Return the logs that may be beside a DuckDB file; the last two since DuckDB 2.0."""
    return [database.with_name(database.name + ending) for ending in (".wal", ".wal.checkpoint", ".wal.recovery")]


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)

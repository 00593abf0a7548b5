"""catalog.duckdb: the same views for any DuckDB client, rebuilt whenever the lake was changed or moved.

DuckDB resolves relative paths against the client's directory, so the views hold absolute paths. The catalog therefore
records where the lake was and which manifest it was made from, and is rebuilt when either differs. It is a convenience:
a lake that cannot be written is still read without it.

DuckDB finds a write-ahead log (WAL) by its name beside the file, and replays it onto whatever file has that name. A
client that dies, or that writes after the catalog was replaced, leaves a WAL that would damage the new catalog. So the
old WAL is removed before a new catalog takes the name, and a catalog with a WAL beside it is never current.

No file of the lake is read. DuckDB plans a view when it is made: it would read the footers of the files, and plan all
that the view refers to. Meanwhile empty tables stand in for the views, and a macro stands in for `read_parquet`. So a
catalog can also be made for a place that does not exist on this machine.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from collector.errors import CollectorError
from collector.lake.database import STAND_INS, read_database, write_database
from collector.lake.lake import Lake
from collector.lake.sql_text import identifier, literal
from collector.lake.storage import FILE_MODE, translating
from collector.lake.tables import TABLES
from collector.query import dictionary
from collector.query.views import Files, Views, grouped, live_entries, no_files, view_sources

FILE_NAME = "catalog.duckdb"
_ORIGIN = "catalog_origin"


def ensure(lake: Lake) -> None:
    """Build the catalog unless it was made from this manifest at this place. Raises as `build` does.

    In object storage only who changes the lake does it: a reader would have to fetch the catalog to look.
    """
    if lake.is_locked if lake.storage.shared else not is_current(lake):
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
    return rows == [(lake.where, lake.manifest.sequence)]


def build(lake: Lake) -> None:
    """Write the catalog and replace the old one in one step; a client that has the old one open keeps it.

    Raises CollectorError or OSError when it cannot be written; the old one stays then.
    """
    lake.storage.prepare()
    temporary = lake.path / f"{FILE_NAME}.{os.getpid()}.tmp"
    remove_logs(temporary)
    temporary.unlink(missing_ok=True)  # left by a process that was killed and had the same number
    try:
        make(lake, temporary)
        temporary.chmod(FILE_MODE)
        if lake.storage.shared:
            lake.storage.replace(FILE_NAME, temporary.read_bytes())
            return
        # In this order: the old catalog is complete without its WAL, the new one is damaged by it.
        remove_logs(lake.path / FILE_NAME)
        with translating(lake.path / FILE_NAME):
            os.replace(temporary, lake.path / FILE_NAME)
    finally:
        remove_logs(temporary)
        temporary.unlink(missing_ok=True)


def make(lake: Lake, file: Path, root: str | None = None) -> None:
    """Write the catalog to `file`, which does not exist, for clients that find the lake at `root` (default: here).

    Raises CollectorError when it cannot be written.
    """
    write_database(file, _statements(lake, root or lake.where), dictionary.comments())


def remove_logs(database: Path) -> None:
    """Remove the write-ahead logs beside a DuckDB file that is about to be replaced."""
    for file in _wal_files(database):
        file.unlink(missing_ok=True)


def _statements(lake: Lake, root: str) -> Iterator[str]:
    """Yield the statements that make the catalog."""
    without_files = Views(no_files, None, view_sources()).selects()
    for name, select in without_files.items():
        yield f"create table {_stand_in(name)} as from ({select}) limit 0"
    selects = without_files | Views(lambda tables: _at(root, lake, tables), lake.manifest.latest).selects()
    # Each view before those that it refers to: DuckDB finds the stand-ins then, and does not plan view below view.
    for name, select in reversed(selects.items()):
        if name in TABLES:
            yield (
                f"create or replace macro {_stand_in('read_parquet')}(files, hive_partitioning := true) "
                f"as table from {_stand_in(name)}"
            )
        yield f"create view {identifier(name)} as {select}"
    yield (f"create table {_ORIGIN} as select {literal(root)} as lake, {lake.manifest.sequence}::BIGINT as sequence")


def _stand_in(name: str) -> str:
    return f"{STAND_INS}.{identifier(name)}"


def _at(root: str, lake: Lake, tables: Collection[str]) -> Files:
    """Return the files of the lake as paths below `root`."""
    entries = live_entries(lake, tables)
    return grouped(entries, [f"{root}/{entry.path}" for of_table in entries.values() for entry in of_table])


def _wal_files(database: Path) -> list[Path]:
    """Return the logs that may be beside a DuckDB file; the last two since DuckDB 2.0."""
    return [database.with_name(database.name + ending) for ending in (".wal", ".wal.checkpoint", ".wal.recovery")]

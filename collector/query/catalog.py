"""catalog.duckdb: the same views for any DuckDB client, rebuilt whenever the lake changed or was moved.

Its views hold absolute paths, because DuckDB resolves relative ones against the client's directory; so the catalog notes
where the lake was and which manifest it was made from, and is made anew when either differs. It is a convenience: a lake
that cannot be written is still read without it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from collector.errors import CollectorError
from collector.query.engine import identifier, literal, read_database, write_database
from collector.query.reader import OpenedLake, grouped
from collector.query.sources import sql_folder
from collector.query.views import Views, sources_of_views

FILE_NAME = "catalog.duckdb"
_MODE = 0o640
_ORIGIN = "catalog_origin"


def ensure(lake: OpenedLake) -> None:
    """Make the catalog anew unless it was made from this manifest at this place.

    Raises LakeError or OSError when it cannot be written.
    """
    if not is_current(lake):
        build(lake)


def is_current(lake: OpenedLake) -> bool:
    """True when the catalog shows this lake, at this place, as its manifest describes it now."""
    path = lake.path / FILE_NAME
    if not path.is_file():
        return False
    try:
        rows = read_database(path, f"select lake, sequence from {_ORIGIN}")
    except CollectorError:
        return False
    return rows == [(str(lake.path), lake.manifest.sequence)]


def build(lake: OpenedLake) -> None:
    """Write the catalog beside the manifest, whole: a client that has the old one open keeps it."""
    temporary = lake.path / f"{FILE_NAME}.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    try:
        write_database(temporary, _statements(lake), readable=lake.path / "tables")
        temporary.chmod(_MODE)
        temporary.replace(lake.path / FILE_NAME)
    finally:
        temporary.unlink(missing_ok=True)
        Path(f"{temporary}.wal").unlink(missing_ok=True)


def _statements(lake: OpenedLake) -> Iterator[str]:
    latest = lake.manifest.runs[-1] if lake.manifest.runs else None
    views = Views(grouped(lake), latest, sources_of_views(sql_folder()))
    for name, select in views.selects().items():
        yield f"create view {identifier(name)} as {select}"
    yield (
        f"create table {_ORIGIN} as "
        f"select {literal(str(lake.path))} as lake, {lake.manifest.sequence}::BIGINT as sequence"
    )

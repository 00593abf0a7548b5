"""The stamp of catalog.duckdb: a small file that says which lake, place and manifest the catalog was made from.

Every command looks whether the catalog is current. The stamp says it without DuckDB, whose import and whose opening of
a file take longer than `collector status`. It holds size and time of the catalog, too: when another program replaces or
changes the catalog, or two commands write it at once, the stamp no longer fits, and the next command rebuilds it.
"""

import json
import os
from pathlib import Path

from collector.lake.lake import Lake
from collector.lake.storage import make_file

CATALOG = "catalog.duckdb"
_STAMP = ".catalog"


def is_current(lake: Lake) -> bool:
    """Return whether the catalog shows this lake, at this place, as its manifest is now, and no WAL changes it."""
    catalog = lake.path / CATALOG
    if any(map(os.path.lexists, wal_files(catalog))):
        return False
    try:
        return (lake.path / _STAMP).read_bytes() == stamp(lake, catalog)
    except OSError:
        return False


def stamp(lake: Lake, catalog: Path) -> bytes:
    """Return the stamp of a catalog of this lake. Raises OSError when the catalog cannot be looked at."""
    file = catalog.stat()
    made_from = {"lake": lake.where, "sequence": lake.manifest.sequence}
    return json.dumps(made_from | {"bytes": file.st_size, "modified_ns": file.st_mtime_ns}).encode() + b"\n"


def write_stamp(lake: Lake, content: bytes) -> None:
    """Write what `stamp` returned of the catalog that is now in place. Raises OSError when it cannot be written."""
    path = lake.path / _STAMP
    make_file(path)
    path.write_bytes(content)


def wal_files(database: Path) -> list[Path]:
    """Return the logs that may be beside a DuckDB file; the last two since DuckDB 2.0."""
    return [database.with_name(database.name + ending) for ending in (".wal", ".wal.checkpoint", ".wal.recovery")]

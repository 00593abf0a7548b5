"""The stamp of catalog.duckdb: a small file that says which lake, place and manifest the catalog was made from.

Every command looks whether the catalog is current. The stamp says it without DuckDB, whose import and whose opening of
a file take longer than `collector status`. It holds size and time of the catalog, too: when another program replaces or
changes the catalog, or two commands write it at once, the stamp no longer fits, and the next command rebuilds it.
"""

import json
import os
from pathlib import Path
from typing import Any

from collector.lake.lake import Lake
from collector.lake.local_files import make_file

CATALOG = "catalog.duckdb"
_STAMP = ".catalog"


def is_current(lake: Lake) -> bool:
    """Return whether the catalog shows this lake, at this place, as its manifest is now, and no WAL changes it."""
    found = _unchanged(lake)
    return (found.get("lake"), found.get("sequence")) == (lake.where, lake.manifest.sequence)


def common_views(lake: Lake) -> str | None:
    """Return the fingerprint of the views that the catalog has in common with others; None where it was changed."""
    return _unchanged(lake).get("views")


def stamp(lake: Lake, catalog: Path, views: str) -> bytes:
    """Return the stamp of a catalog of this lake. Raises OSError when the catalog cannot be looked at."""
    file = catalog.stat()
    made_from = {"lake": lake.where, "sequence": lake.manifest.sequence, "views": views}
    return json.dumps(made_from | {"bytes": file.st_size, "modified_ns": file.st_mtime_ns}).encode() + b"\n"


def _unchanged(lake: Lake) -> dict[str, Any]:
    """Return what the stamp says of the catalog; nothing where the catalog is no longer what was written."""
    catalog = lake.path / CATALOG
    if any(map(os.path.lexists, wal_files(catalog))):
        return {}
    try:
        found, file = json.loads((lake.path / _STAMP).read_bytes()), catalog.stat()
    except (OSError, ValueError):
        return {}
    is_same = isinstance(found, dict) and (found.get("bytes"), found.get("modified_ns")) == (
        file.st_size, file.st_mtime_ns
    )  # fmt: skip
    return found if is_same else {}


def write_stamp(lake: Lake, content: bytes) -> None:
    """Write what `stamp` returned of the catalog that is now in place. Raises OSError when it cannot be written."""
    path = lake.path / _STAMP
    make_file(path)
    path.write_bytes(content)


def wal_files(database: Path) -> list[Path]:
    """Return the logs that may be beside a DuckDB file; the last two since DuckDB 2.0."""
    return [database.with_name(database.name + ending) for ending in (".wal", ".wal.checkpoint", ".wal.recovery")]

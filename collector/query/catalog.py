"""catalog.duckdb: the same views for any DuckDB client, rebuilt whenever the lake was changed or moved.

DuckDB resolves relative paths against the client's directory, so the views hold absolute paths. The catalog therefore
records where the lake was and which manifest it was made from; its stamp (`catalog_stamp.py`) repeats it, and the
catalog is rebuilt when either differs. It is a convenience: a lake that cannot be written is still read without it.

DuckDB finds a write-ahead log (WAL) by its name beside the file, and replays it onto whatever file has that name. A
client that dies, or that writes after the catalog was replaced, leaves a WAL that would damage the new catalog. So the
old WAL is removed before a new catalog takes the name, and a catalog with a WAL beside it is never current.

No file of the lake is read. DuckDB binds a view to know its columns: it would read the footers of the files, and bind
all that the view refers to. Meanwhile an empty table stands in for each view, and a macro stands in for `read_parquet`.
So a catalog can also be made for a place that does not exist on this machine.

Most of a catalog depends on the program alone: the views that name no file, with their comments. A catalog that this
version has written has them already, and the next one begins as a copy of it. Otherwise they are made once in a
process, by `_common_views`.
"""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from collector._version import __version__
from collector.errors import CollectorError
from collector.lake.database import STORAGE_VERSION, writing_database
from collector.lake.lake import Lake
from collector.lake.sql_text import base_view, identifier, literal
from collector.lake.storage import FILE_MODE, translating
from collector.lake.tables import TABLES
from collector.query import dictionary
from collector.query.catalog_stamp import CATALOG, common_views, is_current, stamp, wal_files, write_stamp
from collector.query.view_columns import MEANINGS
from collector.query.views import Files, Views, grouped, live_entries, no_files, view_sources

_ORIGIN = "catalog_origin"
_MAKING = Lock()

# Runs SQL and returns its rows; returns the comment on a view (None) or on one of its columns.
Run = Callable[[str], list[tuple[Any, ...]]]
Comment = Callable[[str, str | None], str]


def ensure(lake: Lake) -> None:
    """Build the catalog unless it is current. Raises as `build` does.

    In object storage only who changes the lake does it: a reader would have to fetch the catalog to look.
    """
    if lake.is_locked if lake.storage.shared else not is_current(lake):
        build(lake)


def build(lake: Lake) -> None:
    """Write the catalog and replace the old one in one step; a client that has the old one open keeps it.

    Raises CollectorError or OSError when it cannot be written; the old one stays then.
    """
    lake.storage.prepare()
    temporary, before = lake.path / f"{CATALOG}.{os.getpid()}.tmp", _before(lake)
    remove_logs(temporary)
    temporary.unlink(missing_ok=True)  # left by a process that was killed and had the same number
    try:
        make(lake, temporary, before=before)
        temporary.chmod(FILE_MODE)
        if lake.storage.shared:
            lake.storage.replace(CATALOG, temporary.read_bytes())
            return
        # In this order: the old catalog is complete without its WAL, the new one is damaged by it.
        remove_logs(lake.path / CATALOG)
        with translating(lake.path / CATALOG):
            made = stamp(lake, temporary, _fingerprint())
            os.replace(temporary, lake.path / CATALOG)
            write_stamp(lake, made)
    finally:
        remove_logs(temporary)
        temporary.unlink(missing_ok=True)


def prepare(lake: Lake) -> None:
    """Make what all catalogs have in common, so that `build` finds it: in a thread beside other work."""
    with suppress(CollectorError, OSError):  # `build` tries it again, and says what is wrong
        if not _is_reusable(lake):
            _common_views()


def make(lake: Lake, file: Path, root: str | None = None, *, before: bytes | None = None) -> None:
    """Write the catalog to `file`, which does not exist, for clients that find the lake at `root` (default: here).

    `before` is an earlier catalog of this version. Raises CollectorError when it cannot be written.
    """
    root, comment = root or lake.where, dictionary.comments()
    # Opened first: where nothing can be written, nothing is made.
    with translating(file), file.open("xb") as empty:
        empty.write(before or _common_views())
    with writing_database(file) as run:
        for name, select in Views(lambda tables: _at(root, lake, tables), lake.manifest.latest).selects().items():
            if name in TABLES:
                run(
                    "create or replace temp macro read_parquet(files, hive_partitioning := true) "
                    f"as table {base_view(TABLES[name], ())}"
                )
            _make_view(run, comment, name, select)
        origin = f"{literal(root)} as lake, {lake.manifest.sequence}::BIGINT as sequence"
        run(f"create or replace table {_ORIGIN} as select {origin}")


def remove_logs(database: Path) -> None:
    """Remove the write-ahead logs beside a DuckDB file that is about to be replaced."""
    for file in wal_files(database):
        file.unlink(missing_ok=True)


def _before(lake: Lake) -> bytes | None:
    """Return the catalog of the lake, None where another version or another program has written it."""
    with suppress(OSError):
        content = (lake.path / CATALOG).read_bytes()
        return content if _is_reusable(lake) else None  # looked at last: nobody changed it meanwhile
    return None


def _is_reusable(lake: Lake) -> bool:
    """Return whether this version wrote the catalog of the lake, and nobody changed it since."""
    return common_views(lake) == _fingerprint()


@cache
def _fingerprint() -> str:
    """Return a short name for the common views, their comments and the format of the file."""
    views = sorted(Views(no_files, None, view_sources()).selects().items())  # their order is any that fits
    return sha256(repr((__version__, STORAGE_VERSION, views, MEANINGS)).encode()).hexdigest()[:16]


def _common_views() -> bytes:
    """Return what all catalogs have in common, as a duckdb file: the views that neither name a file nor hold a run."""
    with _MAKING:  # who comes while it is made waits for it
        return _make_common_views()


@cache
def _make_common_views() -> bytes:
    with TemporaryDirectory(prefix="collector-") as folder:
        file, comment, sources = Path(folder) / CATALOG, dictionary.comments(), view_sources()
        with writing_database(file) as run:
            for name, select in Views(no_files, None, sources).selects().items():
                stand_in = f"create temp table {identifier(name)}"
                if name in sources:
                    columns = _make_view(run, comment, name, select)
                    run(f"{stand_in} ({', '.join(f'{identifier(column)} {kind}' for column, kind in columns)})")
                else:
                    run(f"{stand_in} as {select}")
        return file.read_bytes()


def _make_view(run: Run, comment: Comment, name: str, select: str) -> list[tuple[str, str]]:
    """Create a view with its comments; return name and type of each of its columns."""
    view = f"made.main.{identifier(name)}"
    # Not bound when it is created, because to describe it binds it.
    created = f"create or replace view {view} with (defer_binding) as {select}"
    columns = [(column, kind) for column, kind, *_ in run(f"{created}\n; describe {view}")]
    of_columns = (
        f"comment on column {view}.{identifier(column)} is {literal(comment(name, column))}" for column, _ in columns
    )
    run("; ".join([f"comment on view {view} is {literal(comment(name, None))}", *of_columns]))
    return columns


def _at(root: str, lake: Lake, tables: Collection[str]) -> Files:
    """Return the files of the lake as paths below `root`."""
    entries = live_entries(lake, tables)
    return grouped(entries, [f"{root}/{entry.path}" for of_table in entries.values() for entry in of_table])

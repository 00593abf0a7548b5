"""catalog.duckdb: the same views for any DuckDB client, rebuilt whenever the lake changed or was moved.

Its views hold absolute paths, because DuckDB resolves relative ones against the client's directory; so the catalog notes
where the lake was and which manifest it was made from, and is made anew when either differs. It is a convenience: a lake
that cannot be written is still read without it.

DuckDB finds a write-ahead log (WAL) by its name beside the file, and replays it onto whatever file has that name. A client
that dies, or that writes after the catalog was replaced, therefore leaves a WAL that spoils the new catalog. So the old WAL
is removed before a new catalog takes the name, and a catalog with a WAL beside it is never taken for current.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from collector.errors import CollectorError
from collector.lake.database import DatabaseFile, identifier, literal, read_database
from collector.lake.lake import Lake
from collector.query.sql_files import sql_folder
from collector.query.views import Views, grouped, sources_of_views

FILE_NAME = "catalog.duckdb"
_MODE = 0o640
_ORIGIN = "catalog_origin"


def ensure(lake: Lake) -> None:
    """Make the catalog anew unless it was made from this manifest at this place.

    Raises LakeError or OSError when it cannot be written.
    """
    if not is_current(lake):
        build(lake)


def is_current(lake: Lake) -> bool:
    """True when the catalog shows this lake, at this place, as its manifest describes it now, and no WAL alters it."""
    path = lake.path / FILE_NAME
    if not path.is_file() or wal_files(path):
        return False
    try:
        rows = read_database(path, f"select lake, sequence from {_ORIGIN}")
    except CollectorError:
        return False
    return rows == [(str(lake.path), lake.manifest.sequence)]


def wal_files(database: Path) -> list[Path]:
    """The files that DuckDB writes ahead beside `database`: `.wal`, and since 2.0 `.wal.checkpoint` and `.wal.recovery`."""
    names = (f"{database.name}.wal{ending}" for ending in ("", ".checkpoint", ".recovery"))
    return [path for name in names if os.path.lexists(path := database.with_name(name))]


def build(lake: Lake) -> None:
    """Write the catalog beside the manifest, whole: a client that has the old one open keeps it."""
    with Draft(lake, lake.path / f"{FILE_NAME}.{os.getpid()}.tmp") as draft:
        draft.publish()


class Draft:
    """A catalog in the making, at `temporary` on the lake's own file system.

    Most of the work is to bind the views of sql/clean and sql/facts, which is the same whatever the lake holds: a thread
    begins it at once, over tables without rows, while its caller still does what will be shown.
    """

    def __init__(self, lake: Lake, temporary: Path) -> None:
        self._lake = lake
        self._temporary = temporary
        self._pool = ThreadPoolExecutor(1, "catalog")
        self._begun = self._pool.submit(self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        if self._begun.exception() is None:
            self._begun.result().close()
        _remove(self._temporary)

    def publish(self) -> None:
        """Show the lake as its manifest is now, in the place of the catalog before.

        Raises LakeError or OSError when it cannot be written.
        """
        file = self._begun.result()
        file.execute(_of_the_lake(self._lake))
        file.finish()
        self._temporary.chmod(_MODE)
        # In this order: the old catalog is still whole without its WAL, the new one is not whole beside it.
        _remove_wal(self._lake.path / FILE_NAME)
        self._temporary.replace(self._lake.path / FILE_NAME)

    def _begin(self) -> DatabaseFile:
        # A process that was killed here leaves both, and this one may have its number.
        _remove(self._temporary)
        file = DatabaseFile(self._temporary, readable=self._lake.path / "tables")
        try:
            views = Views({}, None, sources_of_views(sql_folder()))
            file.execute(_view(name, select) for name, select in views.selects().items())
        except BaseException:
            file.close()
            raise
        return file


def _of_the_lake(lake: Lake) -> Iterator[str]:
    """What differs from lake to lake: the tables and the latest run, and where the catalog comes from."""
    latest = lake.manifest.runs[-1] if lake.manifest.runs else None
    for name, select in Views(grouped(lake), latest).selects().items():
        yield _view(name, select)
    yield (
        f"create table {_ORIGIN} as "
        f"select {literal(str(lake.path))} as lake, {lake.manifest.sequence}::BIGINT as sequence"
    )


def _remove(database: Path) -> None:
    _remove_wal(database)
    database.unlink(missing_ok=True)


def _remove_wal(database: Path) -> None:
    for path in wal_files(database):
        path.unlink(missing_ok=True)


def _view(name: str, select: str) -> str:
    return f"create or replace view {identifier(name)} as {select}"

"""The only module that imports duckdb: connections and statements.

A connection is in memory and locked as soon as it is made: it reads files below the given directories only, loads no
extension, sees no secret and no environment variable of this process, and its settings cannot be changed. It is not
read-only, because duckdb lets COPY write wherever it may read: SQL that a user gives passes `query/read_only.py` first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from collector.errors import CollectorError
from collector.lake.database_errors import answer_too_large, error_of
from collector.lake.plain_rows import PlainRows
from collector.lake.sql_text import exact_columns, file_literal, identifier, literal, read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

# Rows of a streamed batch: about 4 MB of the widest table.
BATCH_ROWS = 2_000
# Rows of a group of a file that duckdb writes: it holds one in memory, where it would take six times as many.
_GROUP_ROWS = 20_480
# The format of catalog.duckdb: the oldest that has everything the views need, so that older clients read it.
STORAGE_VERSION = "v1.2.0"

_NO_EXTENSIONS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


class Database(AbstractContextManager["Database"]):
    """An in-memory duckdb that reads files below `readable` and spills to `spill`.

    `memory_limit` is written as duckdb writes it ("200MB"); `threads` None means all cores, shared among `at_once`
    statements that run at the same time. An error about an unknown table suggests one of `hints`; `out_of_memory`
    makes the error of a statement that does not fit into memory. Methods raise QueryError for SQL that cannot be
    answered, FilesGone when a file is missing, LakeError when one is damaged.
    """

    def __init__(
        self,
        readable: Iterable[Path],
        spill: Path,
        *,
        memory_limit: str = "1GB",
        threads: int | None = None,
        at_once: int = 1,
        hints: Sequence[str] = (),
        out_of_memory: Callable[[], CollectorError] = answer_too_large,
    ) -> None:
        self._translating = partial(_translating, hints, out_of_memory)
        self._streams: list[Generator[pa.RecordBatch]] = []
        config: dict[str, Any] = {
            **_NO_EXTENSIONS,
            "allow_persistent_secrets": "false",
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "python_enable_replacements": "false",
            **({"threads": threads} if threads else {}),
        }
        with self._translating():
            self._connection = duckdb.connect(":memory:", config=config)
            for setting in (
                # Global, because a cursor does not inherit the settings of its connection.
                "set global TimeZone = 'UTC'",
                # A question reads the same footers for every view that it uses.
                "set global parquet_metadata_cache = true",
                f"set threads = greatest(1, current_setting('threads')::int // {at_once})",
                *_restrict_files_to(readable),
                "set lock_configuration = true",
            ):
                self._connection.execute(setting)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and its streams, and remove what it spilled to disk."""
        # Arrow hides an unfinished stream from Python's garbage collector: it would stay until the program ends.
        for stream in self._streams:
            stream.close()
        self._connection.close()

    def define(self, name: str, select: str) -> None:
        """Create or replace the view `name`, which is planned where it is used: an error in it is raised there."""
        self._execute(f"create or replace view {identifier(name)} with (defer_binding) as {select}")

    def materialise(self, name: str, select: str) -> None:
        """Create or replace the table `name` with the rows of `select`."""
        self._execute(f"create or replace table {identifier(name)} as {select}")

    def copy_to_parquet(self, name: str, selects: Iterable[str], folder: Path) -> None:
        """Create the view `name` over files in `folder` that hold the rows of all `selects`.

        A table would fill the memory limit and stay there. `folder` must be readable. Raises NotPublished when the disk
        is full.
        """
        paths: list[Path] = []
        for select in selects:
            paths.append(folder / f"{name}-{len(paths)}.parquet")
            self._execute(
                f"copy ({select}) to {literal(str(paths[-1]))} (format parquet, row_group_size {_GROUP_ROWS})"
            )
        self.define(name, f"select * from {read_parquet(paths)}")

    def insert(self, name: str, columns: Mapping[str, Sequence[str]]) -> None:
        """Create the table `name` of text columns of equal length, given as column → values."""
        # Bound lists, not `register`: that would import pandas wherever it is installed.
        lists = ", ".join(f"unnest(${i}::VARCHAR[]) as {identifier(name)}" for i, name in enumerate(columns, start=1))
        self._execute(f"create table {identifier(name)} as select {lists}", [list(v) for v in columns.values()])

    def table(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Return all rows of one statement."""
        with self._translating(), _translating_arrow():
            return self._relation(sql, parameters).to_arrow_table()

    def plain_rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> PlainRows:
        """Return all rows of one statement as Python values."""
        # Executed at once: a relation would be planned twice, which costs more than few rows do.
        with self._translating():
            found = self._connection.cursor().execute(sql, dict(parameters) if parameters else None)
            names, types = ([str(column[at]) for column in found.description] for at in (0, 1))
            return PlainRows(names, types, found.fetchall())

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Return all rows of one statement that gives few, as dictionaries."""
        found = self.plain_rows(sql, parameters)
        return [dict(zip(found.column_names, row, strict=True)) for row in found.rows]

    def stream(self, sql: str) -> pa.RecordBatchReader:
        """Return the rows of one statement as duckdb finds them; at most a few batches are in memory at a time."""
        import pyarrow as pa

        reader, batches = self._reader(sql)
        return pa.RecordBatchReader.from_batches(reader.schema, batches)

    def batches(self, sql: str) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Return what `stream` does, for a block at whose end duckdb frees what it held for the rows left unread."""
        return closing(self._reader(sql)[1])

    def columns(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[str, str]]:
        """Return name and type of each column of a select, without running it."""
        described = self.rows(f"describe {sql}", parameters)
        return [(row["column_name"], row["column_type"].strip('"')) for row in described]

    def statements(self, sql: str) -> list[tuple[str, str]]:
        """Return the statements in `sql` as duckdb parses them: the kind of each (`SELECT`, `COPY`) and its text."""
        with self._translating():
            return [(each.type.name, each.query) for each in self._connection.extract_statements(sql)]

    def _execute(self, sql: str, parameters: Sequence[object] | None = None) -> None:
        with self._translating():
            self._connection.cursor().execute(sql, parameters)

    def _relation(self, sql: str, parameters: Mapping[str, object] | None) -> duckdb.DuckDBPyRelation:
        # A new cursor, because a connection does nothing else while one of its streams is not finished.
        found = self._connection.cursor().sql(sql, params=dict(parameters) if parameters else None)
        columns = exact_columns(found.columns, found.types)
        return found.project(columns) if columns else found

    def _reader(self, sql: str) -> tuple[pa.RecordBatchReader, Generator[pa.RecordBatch]]:
        with self._translating(), _translating_arrow():
            reader = self._relation(sql, None).to_arrow_reader(BATCH_ROWS)
        batches = self._translated(reader)
        self._streams.append(batches)
        return reader, batches

    def _translated(self, reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch]:
        with self._translating(), _translating_arrow():
            yield from reader


@contextmanager
def writing_database(path: Path) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Give the function that runs SQL in the duckdb file at `path`, which is created where it is missing.

    The SQL may hold several statements; the function returns the rows of the last. It can read no file. Temporary
    tables and macros take the place of relations and functions of the same name, and are not kept. What was written is
    in the file when the block ends, and no write-ahead log: a file is worthless if the block fails. A failure is raised
    as LakeError or QueryError.
    """
    with _translating(), duckdb.connect(":memory:", config={**_NO_EXTENSIONS, "threads": 1}) as connection:

        def run(sql: str) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return rows

        options = f"storage_version {literal(STORAGE_VERSION)}, recovery_mode 'no_wal_writes'"
        run(f"attach {literal(str(path))} as made ({options})")
        # Nothing is read, so there is nothing to optimize; to try it takes a third of the time of a short statement.
        run("use made; set enable_external_access = false; pragma disable_optimizer")
        yield run
        run("use memory; detach made")


def _restrict_files_to(directories: Iterable[Path]) -> tuple[str, str]:
    """Return the settings that let SQL reach files below these directories and nothing else."""
    # duckdb escapes a pattern in the path of a file, and compares it with the directory as that is written.
    paths = [text for path in directories for text in dict.fromkeys((literal(str(path)), file_literal(path)))]
    return f"set allowed_directories = [{', '.join(paths)}]", "set enable_external_access = false"


@contextmanager
def _translating(
    hints: Sequence[str] = (), out_of_memory: Callable[[], CollectorError] = answer_too_large
) -> Iterator[None]:
    """Translate what duckdb raises in the block into a CollectorError, which may suggest one of `hints`."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        text = str(error).strip()
        raise (out_of_memory() if text.startswith("Out of Memory") else error_of(text, hints)) from error
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # how duckdb reports SIGINT
            raise KeyboardInterrupt from error
        raise


@contextmanager
def _translating_arrow() -> Iterator[None]:
    """Raise what Arrow raises in the block as an OSError with its text, which `_translating` translates."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise OSError(str(error)) from error

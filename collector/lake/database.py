"""The one home of duckdb: every connection, every statement, every exception of it.

A connection is in memory and locked as soon as it is made: it reads files under the directories it was given
and nowhere else, loads no extension, knows no secret and no variable of this process, and its settings cannot
be changed.

That alone does not make it read-only: duckdb lets COPY write wherever it lets one read, and since 2.0 a COPY,
INSERT, UPDATE or DELETE may hide in a WITH clause of what it calls a SELECT. So SQL from outside passes
`require_read_only`: one statement, of a reading kind, whose *plan* (duckdb's own, after every macro and
`query()` is unfolded) has no operator that writes or that runs text as SQL. Rules for whoever edits it:
refuse what is not understood; never decide by searching the text for words.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from collector.errors import CollectorError, LakeError, NotPublished, QueryError
from collector.lake.arrow_types import exact_columns

# Rows of a batch that streams out: about 4 MB of the widest table.
BATCH_ROWS = 2_000
# The format of catalog.duckdb: the oldest that has everything the views need, so that older clients read it.
STORAGE_VERSION = "v1.2.0"

_EXPLAIN = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(?:analyze\s+)?(?:\([^()]*\)\s*)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
# Beginnings of the names of plan operators and table functions that write, change the session, reach into the
# memory of this process, or run text as SQL.
_FORBIDDEN_OPERATORS = (
    "ALTER", "ARROW_SCAN", "ATTACH", "BATCH_", "CHECKPOINT", "COPY", "CREATE", "DELETE", "DEREGISTER",
    "DESTROY", "DETACH", "DISABLE", "DROP", "ENABLE", "EXECUTE", "EXPORT", "FORCE", "INSERT", "JSON_EXECUTE",
    "LOAD", "MERGE_INTO", "PANDAS", "PREPARE", "PYTHON", "REGISTER", "SET", "TRANSACTION", "TRUNCATE",
    "UPDATE", "VACUUM",
)  # fmt: skip
_MISSING_FILE = re.compile(r"No files found|No such file|Could not open file|Cannot open file", re.IGNORECASE)
_DAMAGED_FILE = re.compile(
    r"magic bytes|too small to be a Parquet|thrift|parquet file|TProtocol|Corrupt|ZSTD|"
    r"Could not read|read error",
    re.IGNORECASE,
)
# A file that duckdb writes: what it spills, what it spools.
_UNWRITABLE = re.compile(r'Could not write file \\*"(?P<path>[^"\\]+)\\*": (?P<why>[^"]+)')
_PATTERN_CHARACTER = re.compile(r"[*?\[]")
_UNKNOWN_TABLE = re.compile(r"Table with name (?P<name>.+?) does not exist", re.DOTALL)


class FilesGone(LakeError):
    """A file that the manifest named is not there: a newer manifest replaced it, or the lake is damaged."""


class MemoryLimitReached(QueryError):
    """The statement needs more memory than the connection was given, and could not spill it."""


def literal(text: str) -> str:
    """`text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path) -> str:
    """The path of one file to read, as a SQL string literal; what would make it a pattern stands for itself."""
    return literal(_PATTERN_CHARACTER.sub(r"[\g<0>]", str(path)))


def _directories(paths: Iterable[Path]) -> str:
    """Directories to be allowed, as a SQL list: a path that is read as a pattern is compared as it is written."""
    each = [text for path in paths for text in dict.fromkeys((literal(str(path)), file_literal(path)))]
    return f"[{', '.join(each)}]"


class Database:
    """One in-memory duckdb that reads files under `readable`, spills to `spill`, and can do nothing else.

    `memory_limit` is duckdb's own ("200MB"); `threads` None means all cores. Methods raise QueryError for SQL
    that cannot be answered, FilesGone when a file is missing, LakeError when one is damaged.
    """

    def __init__(
        self, readable: Iterable[Path], spill: Path, *, memory_limit: str = "1GB", threads: int | None = None
    ) -> None:
        self._names: list[str] = []
        config: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "python_enable_replacements": "false",
        }
        if threads is not None:
            config["threads"] = threads
        with _translating(self._names):
            self._connection = duckdb.connect(":memory:", config=config)
            for setting in (
                # Global, or they would hold for this connection and not for its cursors, which do the work.
                "set global TimeZone = 'UTC'",
                # A question reads the same footers for every view that it uses.
                "set global parquet_metadata_cache = true",
                f"set allowed_directories = {_directories(readable)}",
                "set enable_external_access = false",
                "set lock_configuration = true",
            ):
                self._connection.execute(setting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything; spilled data is removed."""
        self._connection.close()

    def suggest(self, names: Iterable[str]) -> None:
        """Let error messages propose these names too, though they are not defined yet."""
        self._names = list(dict.fromkeys([*self._names, *names]))

    def define(self, name: str, select: str) -> None:
        """Make the view `name`."""
        self._make("view", name, select)

    def materialise(self, name: str, select: str) -> None:
        """Create or replace the table `name` with the rows of `select`."""
        self._make("table", name, select)

    def copy_to_parquet(self, name: str, selects: Iterable[str], folder: Path) -> None:
        """Create the view `name` over files in `folder` that hold the rows of all `selects`.

        A table would fill the memory limit and stay there. `folder` must be readable. Raises NotPublished when the disk
        is full.
        """
        paths: list[str] = []
        for select in selects:
            path = folder / f"{name}-{len(paths)}.parquet"
            paths.append(file_literal(path))
            with _translating(self._names):
                self._connection.cursor().execute(f"copy ({select}) to {literal(str(path))} (format parquet)")
        self.define(name, f"select * from read_parquet([{', '.join(paths)}], hive_partitioning = false)")

    def insert(self, name: str, columns: Mapping[str, Sequence[str]]) -> None:
        """Make the table `name` of text columns, all of one length, given as column → values."""
        # Bound lists, not `register`: that would import pandas wherever it is installed.
        lists = ", ".join(
            f"unnest(${i}::VARCHAR[]) as {identifier(column)}" for i, column in enumerate(columns, start=1)
        )
        with _translating(self._names):
            values = [list(values) for values in columns.values()]
            self._connection.cursor().execute(f"create table {identifier(name)} as select {lists}", values)
        self.suggest([name])

    def table(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """All rows of one statement."""
        with _translating(self._names):
            return self._relation(sql, parameters).to_arrow_table()

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """All rows of one statement that gives few, as dictionaries."""
        rows: list[dict[str, Any]] = self.table(sql, parameters).to_pylist()
        return rows

    def stream(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> pa.RecordBatchReader:
        """The rows of one statement as they are found; never more than a few batches in memory."""
        with _translating(self._names):
            reader = self._relation(sql, parameters).to_arrow_reader(batch_rows)
        return pa.RecordBatchReader.from_batches(reader.schema, self._translated(reader))

    def columns(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[str, str]]:
        """Name and type of each column that a select would give, without running it."""
        described = self.rows(f"describe {sql}", parameters)
        return [(row["column_name"], row["column_type"].strip('"')) for row in described]

    def require_read_only(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Raise QueryError unless `sql` is one statement that only reads."""
        with _translating(self._names):
            statements = self._connection.extract_statements(sql)
        if len(statements) != 1:
            raise QueryError(
                f"{len(statements)} statements were given where one is expected" if sql.strip() else "no SQL",
                advice="Give exactly one SELECT.",
            )
        kind, text = statements[0].type.name, statements[0].query
        if kind == "EXPLAIN" and (found := _EXPLAIN.fullmatch(text)):
            self.require_read_only(found["rest"], parameters)
            return
        if kind == "MULTI":
            raise QueryError(
                "this statement would first write its list of columns down, and a lake is only read",
                advice="Name the values of a PIVOT: pivot t on column in ('a', 'b') using count(*).",
            )
        if kind != "SELECT":
            raise _not_reading(kind)
        plan = self.rows(f"explain (format json) {text}", parameters)
        for operator in _operators(json.loads(plan[0]["explain_value"])):
            if operator.upper().startswith(_FORBIDDEN_OPERATORS):
                raise _not_reading(operator)

    def _make(self, kind: str, name: str, select: str) -> None:
        with _translating(self._names):
            self._connection.cursor().execute(f"create or replace {kind} {identifier(name)} as {select}")
        self.suggest([name])

    def _relation(self, sql: str, parameters: Mapping[str, object] | None) -> duckdb.DuckDBPyRelation:
        # A cursor of its own: a connection whose last stream isn't finished takes no other work.
        found = self._connection.cursor().sql(sql, params=dict(parameters) if parameters else None)
        columns = exact_columns(found.columns, found.types)
        return found.project(columns) if columns else found

    def _translated(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with _translating(self._names):
            yield from reader


class DatabaseFile:
    """A duckdb file in the making at `path`, of the older storage version that clients since 1.2 read.

    Its statements may read files under `readable`. Raises LakeError when it cannot be made.
    """

    def __init__(self, path: Path, *, readable: Path) -> None:
        with _translating(()):
            self._connection = duckdb.connect(
                ":memory:",
                config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": 1},
            )
            version = f"storage_version {literal(STORAGE_VERSION)}"
            self.execute(
                [
                    f"attach {literal(str(path))} as made ({version})",
                    f"set allowed_directories = {_directories([readable])}",
                    "set enable_external_access = false",
                    "use made",
                ]
            )

    def execute(self, statements: Iterable[str]) -> None:
        """Run statements, one after the other; views and tables that they make are made in the file."""
        with _translating(()):
            for statement in statements:
                self._connection.execute(statement)

    def finish(self) -> None:
        """Write down what is not yet, and let the file go: it is whole."""
        self.execute(["use memory", "detach made"])

    def close(self) -> None:
        """Forget everything; a file that is not finished is worth nothing."""
        self._connection.close()


def read_database(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of `sql` in the duckdb file at `path`; LakeError or QueryError when it cannot be read."""
    with _translating(()):
        # Attached, not connected to: a process can connect to a file in one configuration only, and somebody's
        # notebook may have it open in another.
        connection = duckdb.connect(":memory:")
        try:
            connection.execute(f"attach {literal(str(path))} as found (read_only)")
            connection.execute("use found")
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return rows
        finally:
            connection.close()


def _operators(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        yield str(node["name"]).strip()
        function = (node.get("extra_info") or {}).get("Function")
        if isinstance(function, str):
            yield function
        yield from _operators(node.get("children", []))


def _not_reading(what: str) -> QueryError:
    return QueryError(
        f"{what.strip().upper().replace('_', ' ')} is refused: SQL can only read a lake",
        advice="Use a SELECT (or WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN).",
    )


@contextmanager
def _translating(names: Sequence[str]) -> Iterator[None]:
    """Turn what duckdb raises inside the block into an error of ours, which may propose one of `names`."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _in_our_words(error, names) from error
    except RuntimeError as error:
        # duckdb's way to say that SIGINT came.
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


def _in_our_words(error: BaseException, names: Sequence[str]) -> CollectorError:
    # By the text, not the class: an error in the middle of a stream arrives as a plain OSError whose text
    # begins with duckdb's name of the kind.
    text = str(error).strip()
    if text.startswith("Out of Memory"):
        return MemoryLimitReached(
            "the answer does not fit into the memory it was given",
            advice="Ask for fewer rows or columns, or aggregate in SQL.",
        )
    if found := _UNWRITABLE.search(text):
        return NotPublished(
            f"{found['path']} could not be written: {found['why'].strip()}",
            advice="Make room on the disk, then run the same command again.",
        )
    if text.startswith("Permission Error"):
        return QueryError(
            f"SQL can only read this lake: {_first_line(text)}",
            advice="Use the lake's tables; `collector tables` lists them.",
        )
    if text.startswith("IO Error") and _MISSING_FILE.search(text):
        return FilesGone(
            f"a file of the lake is missing: {_first_line(text)}",
            advice="Restore it from a copy of the lake; `collector verify` says which run is harmed.",
        )
    if text.startswith("IO Error") or _DAMAGED_FILE.search(text):
        return LakeError(
            f"a file cannot be read: {_first_line(text)}",
            advice="Restore it from a copy of the lake; `collector verify` says which run is harmed.",
        )
    return QueryError(text, advice=_nearest(text, names))


def _nearest(text: str, names: Sequence[str]) -> str:
    unknown = _UNKNOWN_TABLE.search(text)
    if unknown is None:
        return "Correct the SQL; `collector tables` lists every table and column."
    near = get_close_matches(unknown["name"], names, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"{hint}`collector tables` lists every table and column."


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line.partition(": ")[2] or line

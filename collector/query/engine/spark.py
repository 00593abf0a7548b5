"""A session of a server that speaks Spark Connect, such as Apache Spark 4, Databricks or Sail: the home of pyspark.

The server reads the files of the lake itself; only answers come to this machine. What a session creates there, views
and rows that the server keeps for them (local checkpoints), ends with it.
"""

from __future__ import annotations

import re
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from collector.errors import QueryError, UsageError
from collector.extras import needs_extra
from collector.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession
    from pyspark.sql.dataframe import DataFrame

_ADDRESS: Final = re.compile(
    r"(?:spark|sc)://(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/;\[\]]+)(?::(?P<port>\d{1,5}))?(?P<rest>/.*)?"
)
_DEFAULT_PORT: Final = 15_002
_CONNECT_TIMEOUT_S: Final = 10.0
_TYPES: Final = {
    "VARCHAR": "string", "BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz", "VARCHAR[]": "array<string>", "BIGINT[]": "array<bigint>",
}  # fmt: skip
# How Spark, Databricks and Sail all call S3.
_S3: Final = "s3a:"
# What Sail says to a local checkpoint when it was told no place for them.
_NO_CHECKPOINTS: Final = "execution.checkpoint.path"
SAME_FILES: Final = (
    "The engine must see the files of the lake at the same paths as this machine. Without --engine, DuckDB answers the "
    "question here."
)
_TOKEN_VARIABLE: Final = "SPARK_CONNECT_AUTHENTICATE_TOKEN"


class SparkServer:
    """A server's session for one question. Methods raise QueryError with what the server says is wrong."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        # The server forgets a checkpoint when its value here is collected as garbage.
        self._kept: list[DataFrame] = []

    def define_table(self, table: Table, files: Sequence[str]) -> None:
        """Make the table a view over exactly these files, paths or URLs; a column that a file lacks is NULL."""
        columns = ", ".join(f"`{column.name}` {_TYPES[column.sql]}" for column in table.columns)
        with _translating():
            reading = self._session.read.schema(columns)
            paths = [re.sub("^s3:", _S3, file) for file in files]
            rows = reading.parquet(*paths) if paths else self._session.createDataFrame([], columns)
            rows.select(*table.column_names).createOrReplaceTempView(table.name)

    def define(self, name: str, select: str) -> None:
        """Make a select in Spark's SQL the view `name`."""
        with _translating():
            self._session.sql(f"create or replace temporary view {name} as {select}")

    def materialise(self, name: str, select: str) -> None:
        """Let the server compute the rows of a select once and keep them for this session, as the view `name`."""
        with _translating():
            rows = self._session.sql(select).localCheckpoint()
            rows.createOrReplaceTempView(name)
        self._kept.append(rows)

    def rows(self, select: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Return the answer of a select in Spark's SQL, whose parameters are bound by name."""
        with _translating():
            return self._session.sql(select, args=dict(parameters) if parameters else None).toArrow()


@contextmanager
def connected(address: str) -> Iterator[SparkServer]:
    """Return a session of the server at `spark://host:port` or `sc://host:port`, with Spark Connect's options after it.

    Raises UsageError for an address that is none, holds a token or is not answered, and where the extra is missing.
    """
    url = _checked(address)
    with needs_extra("engines"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a version of pandas, which is not used
        from pyspark.logger import PySparkLogger
        from pyspark.sql.connect.session import SparkSession
    # It writes each error with the server's stack to stderr; the error itself is raised.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    with _translating():
        session = SparkSession.builder.remote(url).create()
        # pyspark gives a checkpoint to the active session of the thread, which is another one while that is open.
        SparkSession._active_session.session = session
        session.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        yield SparkServer(session)
    finally:
        with _translating():
            session.stop()


def _checked(address: str) -> str:
    """Return the address as Spark Connect writes it, after something has answered there."""
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"] or _DEFAULT_PORT) < 65_536:
        raise UsageError(
            "--engine is not the address of a Spark Connect server.",
            "Write it like sc://host:15002; options of Spark Connect may follow: sc://host:443/;use_ssl=true.",
        )
    if re.search(r"[/;]token=", found["rest"] or "", re.IGNORECASE):
        raise UsageError(
            "--engine holds a token, which other users of this machine could see.",
            f"Put the token into the environment variable {_TOKEN_VARIABLE} and leave it out of the address.",
        )
    host, port = found["host"], int(found["port"] or _DEFAULT_PORT)
    try:
        socket.create_connection((host.strip("[]"), port), _CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise UsageError(
            f"nothing answers at {host}:{port}: {error.strerror or 'no reply in time'}",
            "Start the Spark Connect server, or correct the address in --engine.",
        ) from error
    return f"sc://{host}:{port}{found['rest'] or ''}"


@contextmanager
def _translating() -> Iterator[None]:
    """Translate what pyspark raises in the block; its messages name columns, views and files, and no secret of ours."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        if _NO_CHECKPOINTS in str(error):
            raise UsageError(
                "the server keeps no rows between the steps of a question",
                "Sail does so when it is started with SAIL_EXECUTION__CHECKPOINT__PATH=file:///a/directory.",
            ) from error
        reason = (error.getMessage() or str(error) or type(error).__name__).strip().splitlines()[0]
        raise QueryError(f"the engine cannot answer: {reason}", advice=SAME_FILES) from error

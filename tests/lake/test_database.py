"""The database: locked down, bounded in memory, with errors that say what to do."""

import os
import subprocess
import sys
import threading
import time
from _thread import interrupt_main
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.errors import LakeError, QueryError
from collector.lake.database import BATCH_ROWS, Database
from collector.lake.sql_text import identifier, literal
from collector.lake.storage import FilesGone
from tests.small_database import open_database, write_folder


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return write_folder(tmp_path)


@pytest.fixture
def database(lake: Path, tmp_path: Path) -> Iterator[Database]:
    with open_database(lake, tmp_path / "spill") as database:
        yield database


def test_what_is_copied_to_parquet_stays_as_it_was(database: Database, lake: Path) -> None:
    """A view of copied rows has those of all its selects at the time of the copy, and can be replaced."""
    for a in (1, 2):
        database.materialise("now", f"select {a} as a")
        selects = ("select a, null::VARCHAR as b from now", "select a, b from t where a = 1", "from t where false")
        database.copy_to_parquet("kept", selects, lake)
        database.materialise("now", "select 99 as a")
        assert database.rows("from kept") == [{"a": a, "b": None}, {"a": 1, "b": "x"}]


def test_parameters_are_values(database: Database) -> None:
    """A parameter is bound under its name and never becomes SQL."""
    sql = "select $text as said from t where a = $a"
    assert database.rows(sql, {"text": "'; drop view t; --", "a": 1}) == [{"said": "'; drop view t; --"}]


def test_unknown_names_suggest_the_nearest(tmp_path: Path) -> None:
    """The error about a misspelt table suggests the nearest name, even one that is not defined yet."""
    with (
        Database([], tmp_path, threads=1, hints=["promote_image_actions"]) as database,
        pytest.raises(QueryError) as failure,
    ):
        database.table("select * from promote_image_action")
    assert "promote_image_actions" in failure.value.advice


def test_a_missing_file_has_its_own_error(database: Database, lake: Path) -> None:
    """A missing file raises FilesGone, also in the middle of a stream, so that a reader can open a newer set."""
    (lake / "t.parquet").unlink()
    with pytest.raises(FilesGone):
        database.table("select * from t")
    with pytest.raises(FilesGone):
        list(database.stream("select * from t"))


def test_a_damaged_file_is_a_lake_error(database: Database, lake: Path) -> None:
    """A file that is not Parquet is an error of the lake, not of the question."""
    (lake / "t.parquet").write_bytes(b"garbage" * 100)
    with pytest.raises(LakeError) as failure:
        database.table("select * from t")
    assert "verify" in failure.value.advice


def test_an_error_in_the_middle_of_a_stream_is_translated(database: Database) -> None:
    """What duckdb raises after the first batches is translated too."""
    sql = "select case when i > 50000 then error('late') else i end as i from range(100000) as t(i)"
    with pytest.raises(QueryError, match="late"):
        list(database.stream(sql))


def test_streams_do_not_disturb_one_another(database: Database) -> None:
    """A stream that is half read leaves the connection free for other work."""
    first = database.stream("select * from range(50000) as t(i)")
    next(first)
    assert database.rows("select count(*) as n from t") == [{"n": 2}]
    assert sum(batch.num_rows for batch in first) == 50_000 - BATCH_ROWS


def test_rows_left_unread_are_given_up(lake: Path, tmp_path: Path) -> None:
    """After the block of `batches` duckdb holds nothing for the rows that nobody read: no batch comes any more."""
    with Database([lake], tmp_path / "spill", threads=1) as database:
        with database.batches("select * from range(50000) as t(i)") as batches:
            assert next(batches).num_rows
        assert next(batches, None) is None


def test_memory_has_a_limit(lake: Path, tmp_path: Path) -> None:
    """A statement that does not fit says so instead of taking the machine's memory."""
    with (
        Database([lake], tmp_path / "spill", memory_limit="20MB", threads=1) as small,
        pytest.raises(QueryError, match="more memory"),
    ):
        small.table("select list(i::varchar || repeat('x', 100)) from range(1000000) as t(i)")


def test_settings_are_locked(database: Database) -> None:
    """Even a statement that was let through could not change a setting."""
    with pytest.raises(QueryError, match="locked"):
        database.table("set enable_external_access = true")


@pytest.mark.parametrize("sql", ["from duckdb_secrets()", "from which_secret('s3://x', 's3')"])
def test_no_secret_is_known(database: Database, sql: str) -> None:
    """Secrets that the user keeps for other duckdb sessions are not loaded into ours."""
    assert database.rows(sql) == []


def test_times_are_utc(tmp_path: Path) -> None:
    """The zone of every query is UTC whatever the machine's is."""
    script = (
        "import sys; from pathlib import Path; from collector.lake.database import Database\n"
        "with Database([], Path(sys.argv[1])) as database:\n"
        "    found = database.rows(\"select timestamptz '2026-11-23 02:15:00+01:00'::VARCHAR as said\")\n"
        "print(found[0]['said'])\n"
    )
    environ = {**os.environ, "TZ": "Asia/Tokyo"}
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environ, capture_output=True, text=True, check=True
    )
    assert said.stdout == "2026-11-23 01:15:00+00\n"


def test_footers_are_kept(database: Database) -> None:
    """What a query read of a file's footer is at hand for the next one, and for its own second view of that file."""
    assert database.rows("select current_setting('parquet_metadata_cache') as kept") == [{"kept": True}]


@pytest.mark.parametrize(
    "name", ["it's", 'do"uble', "br[1]", "st*r", "q?m", "a b", "ünï", "new\nline", "back\\slash", "{a,b}"]
)
def test_paths_are_data(tmp_path: Path, name: str) -> None:
    """A lake may lie in a folder of any name."""
    folder = tmp_path / name
    folder.mkdir()
    pq.write_table(pa.table({"a": [7]}), folder / "t.parquet")
    with Database([folder], tmp_path / "spill", threads=1) as database:
        view = 'odd "view"'
        database.define(view, f"from read_parquet({literal(str(folder / 't.parquet'))})")
        assert database.rows(f"from {identifier(view)}") == [{"a": 7}]


def test_an_interrupt_ends_a_statement(database: Database) -> None:
    """Ctrl-C during a long statement is a KeyboardInterrupt, as everywhere else in Python."""

    def later() -> None:
        time.sleep(0.3)
        interrupt_main()

    waiting = threading.Thread(target=later)
    waiting.start()
    with pytest.raises(KeyboardInterrupt):
        database.table("select count(*) from range(100000000000) as t(i) where i % 7 = 3")
    waiting.join()


def test_columns_are_found_without_running(database: Database) -> None:
    """`columns` gives names and duckdb types, parameters of no value included."""
    assert database.columns("select *, $p::DATE as p from t", {"p": None}) == [
        ("a", "BIGINT"), ("b", "VARCHAR"), ("p", "DATE"),
    ]  # fmt: skip


def test_a_failure_with_an_unfinished_stream_ends_quietly() -> None:
    """After an error in the middle of a stream, nothing but the error is written to stderr."""
    program = """
import asyncio, pathlib, tempfile
from collector.lake.database import Database
def work():
    with Database([], pathlib.Path(tempfile.gettempdir())) as database:
        rows = (batch for batch in database.stream("select range from range(1000000)"))
        next(rows)
        raise OSError("disk full")
async def main():
    await asyncio.to_thread(work)
try:
    asyncio.run(main())
except OSError as error:
    raise SystemExit(str(error)) from error
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "disk full\n"

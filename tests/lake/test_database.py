"""SQL from outside can read the lake, and do nothing else."""

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

from collector.errors import CollectorError, LakeError, QueryError
from collector.lake.database import Database, FilesGone, MemoryLimitReached, identifier, literal


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake" / "tables"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), folder / "t.parquet")
    (tmp_path / "outside.txt").write_text("secret")
    pq.write_table(pa.table({"a": [99]}), tmp_path / "outside.parquet")
    return folder


@pytest.fixture
def database(lake: Path, tmp_path: Path) -> Iterator[Database]:
    with Database([lake], tmp_path / "spill", memory_limit="200MB", threads=1) as database:
        database.define("t", f"from read_parquet({literal(str(lake / 't.parquet'))})")
        yield database


def everything(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_spooled_stays_as_it_was(database: Database, lake: Path) -> None:
    """A spooled view has the rows of all its selects, of the moment they ran, and is made anew by the same name."""
    for a in (1, 2):
        database.materialise("now", f"select {a} as a")
        selects = ("select a, null::VARCHAR as b from now", "select a, b from t where a = 1", "from t where false")
        database.copy_to_parquet("kept", selects, lake)
        database.materialise("now", "select 99 as a")
        assert database.rows("from kept") == [{"a": a, "b": None}, {"a": 1, "b": "x"}]


WRITES = [
    "copy (select 1) to 'LAKE/new.parquet'",
    "copy t to 'LAKE/t.parquet'",
    "copy (pivot t on b using count(*)) to 'LAKE/new.parquet'",
    "with x as (copy (select 1) to 'LAKE/new.parquet') select * from x",
    "with x as (copy (select 1) to 'LAKE/new.parquet') select 1",
    "WITH x AS MATERIALIZED (/* */ COPY (SELECT 1) TO 'LAKE/new.csv' (FORMAT csv)) SELECT * FROM t",
    "select * from (with x as (copy (select 1) to 'LAKE/new.parquet') select * from x)",
    "from query('with x as (copy (select 1) to ''LAKE/new.parquet'') select * from x')",
    "from query('co' || 'py (select 1) to ''LAKE/new.parquet''')",
    "from json_execute_serialized_sql(json_serialize_sql("
    "'with x as (copy (select 1) to ''LAKE/new.parquet'') select * from x'))",
    "from query('from json_exec' || 'ute_serialized_sql(json_serialize_sql("
    "''with x as (copy (select 1) to \"LAKE/new.parquet\") select * from x''))')",
    "explain analyze copy (select 1) to 'LAKE/new.parquet'",
    "explain (analyze) copy (select 1) to 'LAKE/new.parquet'",
    "/* x */ explain -- y\n analyze (format json) copy (select 1) to 'LAKE/new.parquet'",
    "explain analyze with x as (copy (select 1) to 'LAKE/new.parquet') select * from x",
    "pivot (with x as (copy (select 1) to 'LAKE/new.parquet') select 1 as a) on a using count(*)",
    "with x as (copy (select 1) to 'LAKE/new.parquet') pivot x on count using count(*)",
    "export database 'LAKE/out'",
    "attach 'LAKE/new.duckdb'",
    "attach 'LAKE/new.duckdb' as d; create table d.x as select 1",
    "create table x as select 1",
    "create view x as select 1",
    "create macro f() as 1",
    "insert into t values (1, 'x')",
    "with x as (insert into t values (1, 'x') returning *) select * from x",
    "update t set a = 1",
    "delete from t",
    "drop view t",
    "alter view t rename to u",
    "truncate t",
    "vacuum",
    "checkpoint",
    "select * from checkpoint()",
    "begin",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "set threads = 1",
    "reset threads",
    "set variable x = 1",
    "use memory",
    "pragma database_list",
    "pragma enable_profiling",
    "call pragma_version()",
    "call enable_logging(storage = 'file', storage_path = 'LAKE/log')",
    "select * from enable_logging(storage = 'file', storage_path = 'LAKE/log')",
    "from enable_profiling()",
    "from truncate_duckdb_logs()",
    "install httpfs",
    "load httpfs",
    "load 'LAKE/x.duckdb_extension'",
    "import database 'LAKE'",
    "create secret s (type s3, key_id 'k', secret 's')",
    "select 1; select 2",
    "select 1; copy (select 1) to 'LAKE/new.parquet'",
    "comment on view t is 'x'",
    "merge into t using t as u on t.a = u.a when matched then delete",
]
READS_ELSEWHERE = [
    "from read_text('OUT/outside.txt')",
    "from read_csv('OUT/outside.txt')",
    "from read_blob('/proc/self/environ')",
    "from read_json('OUT/outside.txt')",
    "from read_parquet('OUT/outside.parquet')",
    "from 'OUT/outside.parquet'",
    "from 'OUT/outside.txt'",
    "from '/etc/passwd'",
    "from read_text('/etc/passwd')",
    "from read_csv('/etc/passwd')",
    "from read_csv(['LAKE/t.parquet', '/etc/passwd'])",
    "from read_text('LAKE/../../outside.txt')",
    "from read_parquet('LAKE/../../outside.parquet')",
    "from glob('/etc/*')",
    "from glob('LAKE/../../*')",
    "from sniff_csv('/etc/passwd')",
    "from parquet_metadata('OUT/outside.parquet')",
    "from parquet_schema('OUT/outside.parquet')",
    "from read_duckdb('OUT/x.duckdb')",
    "from 'http://127.0.0.1:9/x.parquet'",
    "from read_parquet('s3://bucket/x.parquet')",
    "from read_parquet('https://127.0.0.1:9/x.parquet')",
    "select getenv('HOME')",
    "from duckdb_extensions()",
    "from arrow_scan(1, 2, 3)",
    "from pandas_scan(1)",
    "from lake",
    "from everything",
    "from query('from read_text(''/etc/passwd'')')",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''/etc/passwd'')'))",
]


@pytest.mark.parametrize("sql", WRITES)
def test_nothing_can_be_written(database: Database, lake: Path, sql: str) -> None:
    """A statement that writes, changes the session or runs text as SQL is refused, and no file changes."""
    before = everything(lake.parent.parent)
    with pytest.raises(CollectorError):
        database.require_read_only(sql.replace("LAKE", str(lake)))
    assert everything(lake.parent.parent) == before


@pytest.mark.parametrize("sql", READS_ELSEWHERE)
def test_nothing_else_can_be_read(database: Database, lake: Path, tmp_path: Path, sql: str) -> None:
    """Files outside the lake, the environment, secrets, the network and this process's memory are out of reach."""
    text = sql.replace("LAKE", str(lake)).replace("OUT", str(tmp_path))

    def asked() -> None:
        database.require_read_only(text)
        database.table(text)

    with pytest.raises(CollectorError):
        asked()


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t",
        "SELECT a FROM t -- ends in a comment",
        "select * from t;",
        "with x as (select * from t) select * from x",
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r",
        "from t",
        "(select 1) union all (select 2)",
        "values (1), (2)",
        "table t",
        "describe t",
        "describe select * from t",
        "summarize t",
        "show tables",
        "explain select * from t",
        "explain analyze select * from t",
        "explain (format json) select * from t",
        "pivot t on b in ('x', 'y') using count(*)",
        "unpivot (select 1 as p, 2 as q) on p, q",
        "select unnest([1, 2])",
        "select * from range(3)",
        "select * from t, lateral (select a + 1)",
        "select json_extract('{\"a\": 1}', '$.a')",
        "select 'copy (select 1) to nowhere' as delete_update_insert",
    ],
)
def test_whatever_reads_is_answered(database: Database, sql: str) -> None:
    """Every kind of SELECT, and what describes or explains one, passes and runs."""
    database.require_read_only(sql)
    database.table(sql)


def test_parameters_are_values(database: Database) -> None:
    """A parameter is bound under its name and never becomes SQL."""
    sql = "select $text as said from t where a = $a"
    database.require_read_only(sql, {"text": "'; drop view t; --", "a": 1})
    assert database.rows(sql, {"text": "'; drop view t; --", "a": 1}) == [{"said": "'; drop view t; --"}]


def test_unknown_names_suggest_the_nearest(database: Database) -> None:
    """A misspelt table names the nearest one, even one that is not defined yet."""
    database.suggest(["promote_image_actions"])
    with pytest.raises(QueryError) as failure:
        database.table("select * from promote_image_action")
    assert "promote_image_actions" in failure.value.advice


@pytest.mark.parametrize("sql", ["", "  ", "/* nothing */", "selec 1", "select nothing from t", "select 1 +"])
def test_broken_sql_is_a_query_error(database: Database, sql: str) -> None:
    """SQL that cannot be understood is the asker's to correct: exit code 2, with duckdb's own words."""
    with pytest.raises(QueryError) as failure:
        database.require_read_only(sql)
    assert failure.value.exit_code == 2
    assert failure.value.message
    assert failure.value.advice


def test_a_missing_file_is_told_apart(database: Database, lake: Path) -> None:
    """A file that is gone, at the start or in the middle, is FilesGone, so that a reader can open a newer set."""
    (lake / "t.parquet").unlink()
    with pytest.raises(FilesGone):
        database.table("select * from t")
    with pytest.raises(FilesGone):
        list(database.stream("select * from t"))


def test_a_damaged_file_is_a_lake_error(database: Database, lake: Path) -> None:
    """A file that is no Parquet is the lake's fault, not the question's."""
    (lake / "t.parquet").write_bytes(b"garbage" * 100)
    with pytest.raises(LakeError) as failure:
        database.table("select * from t")
    assert "verify" in failure.value.advice


def test_an_error_in_the_middle_of_a_stream_is_translated(database: Database) -> None:
    """What duckdb raises after the first batches is in our words too."""
    sql = "select case when i > 50000 then error('late') else i end as i from range(100000) as t(i)"
    with pytest.raises(QueryError, match="late"):
        list(database.stream(sql))


def test_streams_do_not_disturb_one_another(database: Database) -> None:
    """A stream that is half read leaves the connection free for other work."""
    first = database.stream("select * from range(50000) as t(i)", batch_rows=100)
    next(first)
    assert database.rows("select count(*) as n from t") == [{"n": 2}]
    assert sum(batch.num_rows for batch in first) == 49_900


def test_memory_has_a_limit(lake: Path, tmp_path: Path) -> None:
    """A statement that does not fit says so instead of taking the machine's memory."""
    with (
        Database([lake], tmp_path / "spill", memory_limit="20MB", threads=1) as small,
        pytest.raises(MemoryLimitReached),
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


def test_columns_are_told_without_running(database: Database) -> None:
    """`columns` gives names and duckdb types, parameters of no value included."""
    assert database.columns("select *, $p::DATE as p from t", {"p": None}) == [
        ("a", "BIGINT"), ("b", "VARCHAR"), ("p", "DATE"),
    ]  # fmt: skip

"""SQL that a user gives can read the lake, and do nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import CollectorError, QueryError
from collector.lake.database import Database
from collector.query.read_only import require_read_only
from tests.small_database import open_database, write_folder


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return write_folder(tmp_path)


@pytest.fixture
def database(lake: Path, tmp_path: Path) -> Iterator[Database]:
    with open_database(lake, tmp_path / "spill") as database:
        yield database


def everything(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


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
    """A statement that writes, changes the session or runs text as SQL is refused, and no file is changed."""
    before = everything(lake.parent.parent)
    with pytest.raises(CollectorError):
        require_read_only(database, sql.replace("LAKE", str(lake)))
    assert everything(lake.parent.parent) == before


@pytest.mark.parametrize("sql", READS_ELSEWHERE)
def test_nothing_else_can_be_read(database: Database, lake: Path, tmp_path: Path, sql: str) -> None:
    """Files outside the lake, the environment, secrets, the network and this process's memory are out of reach."""
    text = sql.replace("LAKE", str(lake)).replace("OUT", str(tmp_path))

    def answer() -> None:
        require_read_only(database, text)
        database.table(text)

    with pytest.raises(CollectorError):
        answer()


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
def test_every_statement_that_reads_is_answered(database: Database, sql: str) -> None:
    """Every kind of SELECT, and every statement that describes or explains one, passes and runs."""
    require_read_only(database, sql)
    database.table(sql)


@pytest.mark.parametrize("sql", ["", "  ", "/* nothing */", "selec 1", "select nothing from t", "select 1 +"])
def test_broken_sql_is_a_query_error(database: Database, sql: str) -> None:
    """SQL that cannot be parsed is an error with exit code 2 and duckdb's own message."""
    with pytest.raises(QueryError) as failure:
        require_read_only(database, sql)
    assert failure.value.exit_code == 2
    assert failure.value.message
    assert failure.value.advice

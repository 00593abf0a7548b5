"""`collector sql` with every type of DuckDB in every format: the value is right and the exit code 0."""

import csv
import json
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet as pq

from tests.cli.conftest import Program

# Types that Parquet does not have.
NOT_PARQUET = ("union", "empty_struct")
FORMATS = ("text", "json", "jsonl", "csv", "markdown", "parquet")


def every_type() -> list[str]:
    """Return the columns of DuckDB's own table of every type."""
    return [row[0] for row in duckdb.execute("describe select * from test_all_types()").fetchall()]


@pytest.mark.parametrize("form", FORMATS)
def test_every_type_in_every_format(on_demo: Program, form: str, tmp_path: Path) -> None:
    """Least, greatest and NULL of every type are written, and nothing is written to stderr."""
    left_out = ", ".join(f'"{name}"' for name in NOT_PARQUET) if form == "parquet" else ""
    columns = f"* exclude ({left_out})" if left_out else "*"
    target = tmp_path / "answer"
    result = on_demo("sql", f"select {columns} from test_all_types()", "--format", form, "-o", str(target))
    assert (result.code, result.err) == (0, "")
    if form == "parquet":
        assert pq.read_metadata(target).num_rows == 3
    else:
        assert target.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NOT_PARQUET)
def test_what_parquet_does_not_have_says_so(on_demo: Program, name: str, tmp_path: Path) -> None:
    """A type that Parquet does not have is refused with advice, and no file is left."""
    target = tmp_path / "answer.parquet"
    result = on_demo("sql", f'select "{name}" from test_all_types()', "--format", "parquet", "-o", str(target))
    assert result.code == 2
    assert "::VARCHAR" in result.err
    assert not target.exists()


def test_every_scalar_is_what_duckdb_writes(on_demo: Program) -> None:
    """Least and greatest of each type are written as DuckDB writes them, except for the T and Z of timestamps."""
    as_written = duckdb.execute("set TimeZone = 'UTC'; select columns(*)::VARCHAR from test_all_types()").fetchall()
    result = on_demo("sql", "select * from test_all_types()", "--format", "csv")
    rows = list(csv.reader(result.out.splitlines()))[1:]
    for place, name in enumerate(every_type()):
        # Floats have several shortest spellings, and bytes and nested values are JSON's.
        if (
            name in ("float", "double", "blob", "varchar", "tuple")
            or "array" in name
            or "struct" in name
            or name == "map"
        ):
            continue
        for row, expected in zip(rows, as_written, strict=True):
            written = row[place]
            if name.startswith("timestamp"):
                written = written.replace("T", " ").removesuffix("Z")
            wanted = (expected[place] or "").removesuffix("+00")
            assert written.rstrip("0").rstrip(".") == wanted.rstrip("0").rstrip("."), name


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("timestamp 'infinity'", "infinity"),
        ("timestamptz '-infinity'", "-infinity"),
        ("date 'infinity'", "infinity"),
        ("'infinity'::timestamp_ns", "infinity"),
        ("'-infinity'::timestamp_s", "-infinity"),
        ("date '10000-01-01'", "10000-01-01"),
        ("date '9999-12-31'", "9999-12-31"),
        ("date '20000-02-29'", "20000-02-29"),
        ("date '0001-01-01'", "0001-01-01"),
        ("date '0001-12-31 (BC)'", "0001-12-31 (BC)"),
        ("date '0044-03-15 (BC)'", "0044-03-15 (BC)"),
        ("timestamp '0044-03-15 (BC) 10:00:01.5'", "0044-03-15 (BC)T10:00:01.500000Z"),
        ("timestamp '10000-01-01 12:30:00'", "10000-01-01T12:30:00Z"),
        ("'2020-01-01 00:00:00.123456789'::timestamp_ns", "2020-01-01T00:00:00.123456789Z"),
        ("'2020-01-01 00:00:00.123456'::timestamp_ns", "2020-01-01T00:00:00.123456Z"),
        ("'1969-12-31 23:59:59.999'::timestamp_ms", "1969-12-31T23:59:59.999000Z"),
        ("time '24:00:00'", "24:00:00"),
        ("time '12:00:00.5'", "12:00:00.500000"),
        ("'12:00:00+02'::timetz", "12:00:00+02"),
        ("'101'::bit", "101"),
        ("['101'::bit]", ["101"]),
        ("{'a': '1'::bit, 'b c': [date 'infinity']}", {"a": "1", "b c": ["infinity"]}),
        ("map {'k': interval 1 month}", [["k", "1 month"]]),
        ("union_value(n := '1'::bit)", "1"),
        ("array_value('1'::bit, '0'::bit)", ["1", "0"]),
        ("row(1::uhugeint, 2)", {"element1": "1", "element2": 2}),
        ("interval '1 month 2 days 03:00:00'", "1 month 2 days 03:00:00"),
        ("340282366920938463463374607431768211455::uhugeint", "340282366920938463463374607431768211455"),
        ("170141183460469231731687303715884105727::hugeint", 170141183460469231731687303715884105727),
        ("-12345678901234567890123456789012345678901234567890::bignum",
         "-12345678901234567890123456789012345678901234567890"),
        ("1.5::decimal(38, 10)", 1.5),
        ("{'a': 1}::variant", "{'a': 1}"),
        ("'nan'::double", None),
        ("['-inf'::float, 1]", [None, 1.0]),
        ("null", None),
        ("uuid '00000000-0000-0000-0000-000000000001'", "00000000-0000-0000-0000-000000000001"),
        ("'\\xAA'::blob", "aa"),
        ("'b'::enum('a', 'b')", "b"),
    ],
)  # fmt: skip
def test_a_value_is_right_in_json(on_demo: Program, expression: str, value: object) -> None:
    """Times beyond those of Python are text as DuckDB writes them, numbers are exact, what JSON lacks
    is text or null.
    """
    result = on_demo("sql", f"select {expression} as x, 1 as y", "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == [{"x": value, "y": 1}]


def test_digits_of_a_decimal_are_all_there(on_demo: Program) -> None:
    """A decimal with more digits than a float holds is written with all of them."""
    result = on_demo("sql", "select 12345678901234567890.0123456789::decimal(38, 10) as x", "--format", "jsonl")
    assert result.out == '{"x":12345678901234567890.0123456789}\n'


def test_numbers_as_text_are_no_formulas(on_demo: Program) -> None:
    """In CSV a negative number and -infinity need no apostrophe; NaN is written by name."""
    query = "select (-1)::bignum as a, date '-infinity' as b, 'nan'::double as c, '-1+1' as d"
    result = on_demo("sql", query, "--format", "csv")
    assert result.out == "a,b,c,d\n-1,-infinity,nan,'-1+1\n"


def test_columns_of_one_name_stay_two(on_demo: Program) -> None:
    """Columns that are sent as text keep their names and places, also where two have one name."""
    result = on_demo("sql", 'select \'1\'::bit as a, 2 as a, 3 as "b ""c"', "--format", "csv")
    assert result.out == 'a,a,"b ""c"\n1,2,3\n'

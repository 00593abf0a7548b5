"""`collector ask` and `sql` on the demo's lake, and what every command
that reads a lake says of one that it cannot read.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from collector import open_lake
from collector.cli.ask import parse_parameters
from collector.errors import UsageError
from collector.lake.tables import TABLES
from tests.cli.conftest import Program
from tests.cli.test_main import ENVIRON


def test_the_questions_are_listed(program: Program) -> None:
    """Without a name, every question is listed with its meaning; no lake is needed for that."""
    result = program("ask")
    assert result.code == 0
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert rows[0] == ["topic", "name", "description"]
    assert ["change", "what_changed", "What changed in the promotions last night?"] in rows
    assert program("ask", "--list").out == result.out
    assert program("ask", "--list", "-o", "list.txt").code == 0
    listed = Path("list.txt").read_text(encoding="utf-8")
    assert listed.startswith("Releases: ")
    assert all(f"\n  {name} " in listed for _, name, _ in rows[1:])


def test_every_question_has_an_answer_with_the_listed_columns(on_demo: Program, demo_lake: Path) -> None:
    """The list as JSON has name, description, parameters and columns; each answer has these columns."""
    listed = json.loads(on_demo("ask", "--list", "--format", "json").out)
    for question in listed:
        assert list(question) == ["name", "topic", "description", "answer", "rule", "parameters", "columns"]
        assert question["description"].endswith("?")
        for parameter in question["parameters"]:
            assert list(parameter) == ["name", "type", "default", "required", "description", "choices"]
    columns = {
        question["name"]: [column["name"] for column in question["columns"]]
        for question in listed
        if not any(parameter["required"] for parameter in question["parameters"])
    }
    answers = open_lake(demo_lake).ask_all({name: {} for name in columns})
    assert {name: answer.table.column_names for name, answer in answers.items()} == columns
    rows = json.loads(on_demo("ask", "promotions", "--format", "json").out)
    assert list(rows[0]) == columns["promotions"]


def test_an_answer_names_its_run(on_demo: Program) -> None:
    """A table for people ends with the number of rows and the run; -q leaves that out."""
    result = on_demo("ask", "promotions", "--format", "text")
    assert result.code == 0
    assert " rows · run 2" in result.out
    assert " rows · run 2" not in on_demo("ask", "promotions", "--format", "text", "-q").out


def test_rows_can_be_a_failure(on_demo: Program, tmp_path: Path) -> None:
    """With --fail-if-rows an answer with rows exits 1, and one without rows 0; the rows are written all the same."""
    found = on_demo("ask", "returned_actions", "--fail-if-rows", "-o", "rows.csv")
    assert (found.code, found.out) == (1, "")
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8").startswith("installation,workspace,")
    assert on_demo("ask", "promotions", "--param", "image=zork", "--fail-if-rows").code == 0


def test_the_rule_stands_below_the_answer(on_demo: Program) -> None:
    """A rule that decides which rows are shown is one line below the answer, and not in what programs read."""
    result = on_demo("ask", "unguarded_production", "--format", "text")
    rules = [line for line in result.out.splitlines() if line.startswith("Rule: ")]
    assert len(rules) == 1
    assert "ON_WAIT_FOR_APPROVE is no approval" in rules[0]
    assert "Rule: " not in on_demo("ask", "what_changed", "--format", "text").out
    assert "Rule: " not in on_demo("ask", "unguarded_production", "--format", "csv").out


def test_a_value_that_matches_nothing_is_said(on_demo: Program) -> None:
    """Near values are on stderr, whatever the format; a value that matches something is not mentioned."""
    result = on_demo("ask", "promotions", "--param", "environment=prodction", "--format", "json")
    assert (result.code, result.out) == (0, "[]\n")
    assert result.err == "environment=prodction matches nothing in this lake. Near: production.\n"
    assert on_demo("ask", "promotions", "--param", "environment=production").err == ""
    result = on_demo("ask", "unguarded_production", "--param", "environment=prd")
    assert "environment=prd matches nothing in this lake." in result.err


def test_show_prints_the_sql(program: Program) -> None:
    """`--show` prints the SQL, to be copied and changed; no lake is needed for that."""
    result = program("ask", "what_changed", "--show")
    assert result.code == 0
    assert "changes_in_words" in result.out
    assert result.out.startswith("-- ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("ask", "what_chnged"), "what_changed"),
        (("ask", "what_changed", "--param", "aspct=x"), "aspect"),
        (("ask", "what_changed", "--param", "aspect"), "NAME=VALUE"),
        (("ask", "what_changed", "--param", "aspect=configuraton"), "Did you mean 'configuration'?"),
        (("ask", "problems_last_night", "--param", "kind=forbiden"), "Did you mean 'forbidden'?"),
        (("ask", "what_changed", "--run", "20010101T000000Z-000000"), "run"),
        (("sql", "select * from promote_image_action"), "promote_image_actions"),
        (("sql", "selec 1"), "syntax"),
        (("sql", " "), "no SQL"),
        (("sql", "drop view runs"), "only read"),
        (("sql", "copy runs to 'x.csv'"), "only read"),
        (("sql", "select 1; select 2"), "one SELECT"),
        (("sql", "select * from read_csv('/etc/passwd')"), "only read"),
    ],
)
def test_a_mistake_is_one_paragraph(on_demo: Program, argv: tuple[str, ...], words: str) -> None:
    """Each mistake is one paragraph on stderr that names the right thing, with exit code 2."""
    result = on_demo(*argv)
    assert (result.code, result.out) == (2, "")
    assert words.lower() in result.err.lower()
    assert result.err.count("\n") == 1


def test_parameters() -> None:
    """NAME=VALUE: the value may contain equals signs, a name is given once."""
    assert parse_parameters(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            parse_parameters(wrong)


@pytest.mark.parametrize(
    "argv", [("ask", "what_changed"), ("sql", "select 1 as x from runs"), ("status",), ("verify",)]
)
def test_a_missing_lake(program: Program, argv: tuple[str, ...], tmp_path: Path) -> None:
    """Without a lake the paragraph says how to name one, and nothing is created."""
    result = program(*argv)
    assert (result.code, result.out) == (2, "")
    assert "--lake" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "words"), [("{", "damaged"), ('{"format": 99}', "Upgrade")])
def test_a_damaged_lake_and_a_newer_one(program: Program, tmp_path: Path, content: str, words: str) -> None:
    """A damaged manifest and a newer format have messages of their own, and are left unchanged."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "manifest.json").write_text(content, encoding="utf-8")
    for command in (("ask", "what_changed"), ("sql", "select 1 from runs"), ("status",), ("verify",), ("compact",)):
        result = program(*command)
        assert result.code == 2
        assert words.lower() in result.err.lower()
    assert (tmp_path / "lake" / "manifest.json").read_text(encoding="utf-8") == content


def test_the_promised_columns(on_demo: Program) -> None:
    """`select *` gives exactly the columns of the contract, in order, for every table."""
    for table in TABLES.values():
        for row in json.loads(on_demo("sql", f"select * from {table.name} limit 1", "--format", "json").out):
            assert tuple(row) == table.column_names


def test_sql_from_a_pipe(demo_lake: Path) -> None:
    """`-` reads the SQL from stdin, and only the rows go to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "sql", "-", "--format", "jsonl", "--lake", str(demo_lake)],
        input="select 1 as one",
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRON,
    )
    assert (done.stdout, done.stderr) == ('{"one":1}\n', "")


def test_formats_give_the_same_rows(on_demo: Program, tmp_path: Path) -> None:
    """JSON, JSON lines and Parquet hold the same rows of the same question."""
    from pyarrow import parquet

    rows = json.loads(on_demo("ask", "promotions", "--format", "json").out)
    assert rows == [json.loads(line) for line in on_demo("ask", "promotions", "-f", "jsonl").out.splitlines()]
    assert on_demo("ask", "promotions", "-f", "parquet", "-o", "p.parquet").code == 0
    table: pa.Table = parquet.read_table(tmp_path / "p.parquet")
    assert table.num_rows == len(rows) > 0


@pytest.mark.parametrize("command", [("status",), ("verify",), ("report", "-o", "page.html"), ("ask", "promotions")])
def test_any_command_rebuilds_the_catalog_of_a_moved_lake(
    program: Program, demo_lake: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The first command after a move makes the catalog's absolute paths right for other clients of DuckDB."""
    moved = Path(shutil.copytree(demo_lake, tmp_path / "moved"))
    assert program(*command, "--lake", str(moved)).code == 0
    with duckdb.connect(str(moved / "catalog.duckdb"), read_only=True) as client:
        counts = client.execute("select count(*) from promote_image_actions").fetchall()
        views = client.execute("select string_agg(sql, ' ') from duckdb_views() where not internal").fetchall()
    (row,) = json.loads(
        program("sql", "select count(*) as n from promote_image_actions", "-f", "json", "--lake", str(moved)).out
    )
    assert counts == [(row["n"],)] != [(0,)]
    assert str(demo_lake) not in views[0][0]

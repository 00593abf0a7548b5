"""Every question on a real Spark Connect server (Sail or a named one): DuckDB's rows, read from the same files."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import collector
from collector.errors import QueryError
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.local_storage import LocalStorage
from collector.query.engine.ask import EngineSession, ask_engine, plan
from collector.query.engine.spark import connected
from collector.query.engine.translate import translate
from collector.query.questions import Question, Questions
from collector.query.sql_files import sql_folder
from tests.cli.conftest import Program, program

__all__ = ["program"]

pytestmark = pytest.mark.engines
QUESTIONS = Questions(sql_folder()).all
# The only questions of which a part is done here.
RECURSIVE = {"bypasses_staging", "path_of_image"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that ends with the tests, or of the one that `make engines ENGINE=sc://…` names."""
    if address := os.environ.get("ENGINE"):
        yield address
        return
    command = [sys.executable, "-m", "tests.query.engine.sail"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"spark://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def given(question: Question) -> dict[str, object]:
    """A value for each parameter that needs one, so that there are rows."""
    values = {"VARCHAR": "checkout", "BIGINT": 1002, "DATE": "2026-01-01", "TIMESTAMP": "2026-01-01"}
    return {parameter.name: values[parameter.type] for parameter in question.parameters if parameter.required}


def plain(value: Any) -> Any:
    """A value as both engines give it: the type of a whole number differs, and the last digits of a fraction."""
    if isinstance(value, Decimal | float):
        return round(float(value), 6) if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def session(server: str, demo_lake: Path) -> Iterator[EngineSession]:
    """One session for all questions, over the files of all runs."""
    lake = Lake.open(demo_lake)
    with connected(server) as spark:
        yield EngineSession(spark, lake, lake.manifest.latest)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_rows_are_those_of_duckdb(name: str, session: EngineSession, demo_lake: Path) -> None:
    """The same columns, rows, order and gaps, for every question."""
    question = QUESTIONS[name]
    found = session.answer(plan(question, session.run), question.bind(given(question)))
    expected = collector.open_lake(demo_lake).ask_with(name, given(question))
    assert found.table.column_names == expected.table.column_names
    assert plain(found.table.to_pylist()) == plain(expected.table.to_pylist())
    assert (found.run, found.missing, found.carried) == (expected.run, expected.missing, expected.carried)


def test_an_earlier_run_is_asked_of_its_own_files(server: str, demo_lake: Path) -> None:
    """`--run` selects the run on the engine too, and only the files that hold it are read."""
    lake = Lake.open(demo_lake)
    first = lake.manifest.runs[0].run_id
    for name in ("promotions_by_registry", "coverage_last_night"):
        expected = collector.open_lake(demo_lake).ask(name, run=first)
        found = ask_engine(lake, server, name, {}, run=first)
        assert plain(found.table.to_pylist()) == plain(expected.table.to_pylist())
        assert found.run == expected.run


def test_the_last_runs_of_other_installations_are_named(server: str, demo_lake: Path) -> None:
    """As `ask` does without an engine, where the run read some of the installations only."""
    lake = Lake.open(demo_lake)
    *_, before, last = lake.manifest.runs
    of_shards = [replace(before, installations=["b"]), replace(last, installations=["a"])]
    lake.manifest = replace(lake.manifest, runs=[*lake.manifest.runs[:-2], *of_shards])
    [note] = ask_engine(lake, server, "promotions_by_registry", {}).notes
    assert f"b {before.run_id}" in note


def test_the_files_may_be_compacted(server: str, demo_lake: Path, tmp_path: Path) -> None:
    """After a compaction the live files are others, and the answers the same."""
    lake, now = Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake"))), datetime.now(UTC)
    with lake.writing("compact", now):
        assert compact(lake, now=now, current_month=True)
    for name in ("promotions", "what_changed", "nights"):
        expected = collector.open_lake(demo_lake).ask(name).table.to_pylist()
        assert plain(ask_engine(lake, server, name, {}).table.to_pylist()) == plain(expected)


@pytest.mark.parametrize(
    "text", ["", "it's", "back\\slash", "$x :y ${z}", "') or true --", "\n\t\"'\\'", "ünï 😀", "%_"]
)
def test_a_parameter_is_a_value_whatever_it_holds(text: str, server: str) -> None:
    """Values are bound, so none becomes part of the SQL."""
    with connected(server) as spark:
        assert spark.rows("select :value as value", {"value": text}).to_pylist() == [{"value": text}]


def test_text_in_the_sql_is_the_same_text_there(server: str) -> None:
    """Literals of DuckDB's SQL, with quotes, backslashes and escapes, have the same value on the engine."""
    sql = r"select 'it''s' as a, 'a\b\\c' as b, e'tab\tline\n' as c, '$x :y' as d"
    with connected(server) as spark:
        (row,) = spark.rows(translate("a test", sql)).to_pylist()
    assert row == {"a": "it's", "b": r"a\b\\c", "c": "tab\tline\n", "d": "$x :y"}


def test_files_that_the_server_cannot_see(server: str, demo_lake: Path) -> None:
    """The error says that the engine must see the files."""
    lake = Lake.open(demo_lake)
    lake.storage = LocalStorage(Path("/nowhere"))
    with pytest.raises(QueryError, match=r"the engine sees 0 rows of|the engine cannot answer") as caught:
        ask_engine(lake, server, "promotions", {})
    assert "at the same paths" in caught.value.advice


def test_the_command_line(server: str, demo_lake: Path, program: Program) -> None:
    """`ask --engine` prints what `ask` prints, and says on stderr what is done here."""
    here = program("ask", "path_of_image", "--param", "image=checkout", "--lake", str(demo_lake), "--format", "json")
    there = program(
        "ask", "path_of_image", "--param", "image=checkout", "--lake", str(demo_lake), "--format", "json",
        "--engine", server,
    )  # fmt: skip
    assert (there.code, there.out) == (0, here.out)
    assert "are computed there and fetched" in there.err


def test_every_question_has_a_plan() -> None:
    """What runs on the engine is the rule: of the questions only those with a recursion are finished here."""
    plans = {name: plan(question, None) for name, question in QUESTIONS.items()}
    assert {name for name, each in plans.items() if each.here} == RECURSIVE
    assert len(plans) >= 25

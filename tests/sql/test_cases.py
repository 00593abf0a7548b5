"""Every case of tests/sql_cases, through the engine that answers users."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet as pq

from collector.lake.database import Database
from collector.lake.manifest import RunEntry
from collector.lake.sql_text import base_view, read_parquet
from collector.lake.tables import TABLES
from collector.query.contract_views import check_views
from collector.query.questions import Question, Questions
from collector.query.sql_files import identifiers, in_order, sql_folder
from collector.query.views import SELECTED_RUN, Views, no_files, selected_run_view, statement_with, view_sources
from tests.sql.case_files import CHECK_RELATIONS, Case, read_cases, shown

SQL = sql_folder()
VIEWS = view_sources()
QUESTIONS = Questions(SQL)
CASES = read_cases()
CONSTANTS = ("access_levels", "coverage_outcomes", "declared_columns", "declared_values", "fields_without_column")


def _run_entry(run_id: str, run_date: Any) -> RunEntry:
    began = datetime(run_date.year, run_date.month, run_date.day, 2, 15, tzinfo=UTC)
    return RunEntry(
        run_id=run_id,
        run_date=run_date,
        status="complete",
        started_at=began,
        finished_at=began,
        collector_version="0.1.0",
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A locked database of its own for each case."""
    with Database([tmp_path], tmp_path / "spill", threads=1) as made:
        yield made


def answer(database: Database, case: Case, files: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the column names and rows of the case's SQL over the given rows."""
    path = SQL / case.folder / f"{case.name}.sql"
    sql = path.read_text(encoding="utf-8") if path.exists() else VIEWS[case.name].text
    sources = in_order(check_views() if case.folder == "checks" else VIEWS, identifiers(sql) | {case.name})
    used = identifiers(sql).union(*(source.references for source in sources))
    selects = {}
    for name, table in case.tables():
        if name not in used:
            continue
        if name in TABLES and not table.num_rows:
            selects[name] = base_view(TABLES[name], [])
        elif name in TABLES or (case.folder == "checks" and name in CHECK_RELATIONS):
            path = files / f"{name}.parquet"
            pq.write_table(table, path)
            selects[name] = f"select * from {read_parquet([path])}"
    run = case.latest_run()
    selects[SELECTED_RUN] = selected_run_view(_run_entry(**run) if run else None)
    selects |= {source.name: source.sql for source in sources}
    parameters: dict[str, object] | None = None
    if case.folder == "questions":
        parameters = Question(case.name, sql).bind(case.parameters) or None
    elif case.parameters:
        parameters = {"run_ids": case.parameters["run_ids"].split(", ")}
    elif case.folder in ("clean", "facts"):
        sql = f"select * from {case.name} where {case.where}"
    table = database.table(statement_with(selects, sql), parameters)
    return table.column_names, table.to_pylist()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.folder}/{case.name}: {case.title}")
def test_the_sql_gives_what_the_case_expects(case: Case, database: Database, tmp_path: Path) -> None:
    """Over the given rows, every SQL file gives exactly the expected rows."""
    names, rows = answer(database, case, tmp_path)
    wanted = list(case.expected[0]) if case.expected else names
    assert not set(wanted) - set(names), f"no such columns: {set(wanted) - set(names)}"
    found = [{name: shown(row[name]) for name in wanted} for row in rows]
    if case.folder in ("clean", "facts", "plan", "values"):
        # A view promises no order.
        found.sort(key=repr)
        assert found == sorted(case.expected, key=repr)
    else:
        assert found == case.expected


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Every view over a lake without a run."""
    folder = tmp_path_factory.mktemp("empty")
    with Database([folder], folder / "spill", threads=1) as made:
        Views(no_files, None, VIEWS).define(made)
        yield made


@pytest.mark.parametrize("name", sorted(QUESTIONS.all))
def test_a_question_about_an_empty_lake_has_no_answer_and_no_error(name: str, empty: Database) -> None:
    """Every question runs on a lake without a run, and gives no row."""
    question = QUESTIONS[name]
    given = {p.name: "1" for p in question.parameters if p.required}
    assert empty.rows(question.sql, question.bind(given) or None) == []


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_view_of_an_empty_lake_is_empty(name: str, empty: Database) -> None:
    """Every view runs on a lake without rows; only views of constants have some."""
    rows = empty.rows(f"select * from {name}")
    assert rows == [] or name in CONSTANTS

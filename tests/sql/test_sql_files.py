"""Rules about the text of the files in sql/."""

import re
from pathlib import Path

import pytest

from collector.buddy.schema import ACCESS_LEVELS
from collector.lake.database import Database
from collector.lake.tables import TABLES
from collector.query.checks import read_checks
from collector.query.questions import Questions
from collector.query.sql_files import read_folder, sql_folder
from collector.query.views import view_sources
from tests.sql.case_files import CASES, read_cases

SQL = sql_folder()
FOLDERS = ("clean", "facts", "questions", "checks", "plan", "status", "values")
WITH_PARAMETERS = ("questions/", "status/")
FILES = {f"{folder}/{name}": source for folder in FOLDERS for name, source in read_folder(SQL / folder).items()}
QUESTIONS = Questions(SQL).all


def code(name: str) -> str:
    """Return the file without comments and strings."""
    return re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", FILES[name].text)


def final_select(name: str) -> str:
    """Return the text after the last `select` at the beginning of a line; CTEs are indented."""
    return re.split(r"^select\b", code(name), flags=re.MULTILINE)[-1]


@pytest.mark.parametrize("name", FILES)
def test_a_file_opens_with_its_grain_question_or_law(name: str) -> None:
    """The first sentence says what a row is, what is asked, or what must hold."""
    opening = FILES[name].description
    if name.startswith("questions/"):
        assert opening.endswith("?")
    elif name.startswith("checks/"):
        assert opening.endswith(".")
    else:
        assert opening.startswith("One row per ")


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_its_columns(name: str) -> None:
    """The final select has explicit columns."""
    assert not re.search(r"\A(\s+distinct)?\s+\*|\w\.\*", final_select(name))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_lower_case_statement_without_templating(name: str) -> None:
    """Keywords are small, there is one statement, and nothing to render."""
    text = code(name)
    assert not re.search(r"\b(SELECT|FROM|WHERE|JOIN|GROUP|ORDER|WITH|CASE|UNION)\b", text)
    assert ";" not in text
    assert not re.search(r"\{\{|\{%", text)


@pytest.mark.parametrize("name", FILES)
def test_lines_are_short_enough(name: str) -> None:
    """No line is longer than 130 characters, and none ends in blanks."""
    for line in FILES[name].text.splitlines():
        assert len(line) <= 130 or line.startswith("-- $"), line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_a_case(name: str) -> None:
    """tests/sql_cases has a file for it, and every case has an SQL file."""
    assert (CASES / f"{name}.md").exists()


def test_no_case_is_left_over() -> None:
    """Every case file belongs to an SQL file, or to a view that is made from one."""
    views = {f"facts/{name}" for name in view_sources()}
    assert {f"{case.folder}/{case.name}" for case in read_cases()} <= FILES.keys() | views


@pytest.mark.parametrize("name", QUESTIONS)
def test_parameters_are_declared_and_used(name: str) -> None:
    """The header declares exactly the parameters that the select uses."""
    used = set(re.findall(r"\$(\w+)", code(f"questions/{name}")))
    assert used == {parameter.name for parameter in QUESTIONS[name].parameters}


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(WITH_PARAMETERS)])
def test_only_questions_have_parameters(name: str) -> None:
    """Views and checks have no parameters."""
    assert not re.findall(r"\$\w", code(name))


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_orders_its_rows(name: str) -> None:
    """Every question sorts its rows, so that the same lake gives the same answer."""
    assert "order by" in final_select(f"questions/{name}")


def test_there_are_enough_questions() -> None:
    """There are at least twenty-five questions, and no two are the same."""
    assert len(QUESTIONS) >= 25
    assert len({question.description for question in QUESTIONS.values()}) == len(QUESTIONS)


@pytest.mark.parametrize("check", [check.name for check in read_checks()])
def test_a_check_fires_and_is_silent(check: str) -> None:
    """A check has a case with a planted offender that it finds, and one in which it finds nothing."""
    found = [bool(case.expected) for case in read_cases("checks") if case.name == check]
    assert set(found) == {True, False}


def test_access_levels_are_those_declared(tmp_path: Path) -> None:
    """access_levels has a row for every access level that Buddy documents."""
    with Database([tmp_path], tmp_path / "spill") as database:
        rows = database.rows((SQL / "clean" / "access_levels.sql").read_text(encoding="utf-8"))
    assert {row["access_level"] for row in rows} == set(ACCESS_LEVELS)


@pytest.mark.parametrize("name", FILES)
def test_no_cte_has_the_name_of_a_view(name: str) -> None:
    """Each name after FROM that a view has means that view: its views are made and its files read only where needed."""
    ctes = re.findall(r"(?:\bwith|,)\s+(\w+)(?:\s*\([^)]*\))?\s+as\s+(?:materialized\s+)?\(", code(name))
    assert not {*ctes} & {*TABLES, *view_sources()}

"""Questions say what they take, take what they say, and suggest what was meant."""

from datetime import date, datetime
from pathlib import Path

import pytest

from collector.errors import QueryError
from collector.lake.tables import PROBLEM_KINDS, PROBLEMS
from collector.query.questions import Parameter, Question, Questions
from collector.query.sql_files import sql_folder

TEXT = """-- Which promotions fail?
-- $days INTEGER = 3 : runs in a row
-- $image VARCHAR = 'it''s : here' : part of a name
-- $since DATE = null : first day
-- $share DOUBLE = 0.5 : of all
-- $only BOOLEAN = false : just those
-- $names VARCHAR[] = 'a,b' : some names
-- $project VARCHAR : the project
-- $aspect VARCHAR = 'all' in ('all', 'some', '') : which of them
-- rule: a promotion fails if it failed.
select 1"""
QUESTION = Question("failing", TEXT)


def test_the_header_is_read() -> None:
    """Every line of the header becomes a parameter with its type, default and meaning."""
    assert QUESTION.description == "Which promotions fail?"
    assert [(p.name, p.type, p.default, p.required, p.description) for p in QUESTION.parameters] == [
        ("days", "INTEGER", 3, False, "runs in a row"),
        ("image", "VARCHAR", "it's : here", False, "part of a name"),
        ("since", "DATE", None, False, "first day"),
        ("share", "DOUBLE", 0.5, False, "of all"),
        ("only", "BOOLEAN", False, False, "just those"),
        ("names", "VARCHAR[]", ["a", "b"], False, "some names"),
        ("project", "VARCHAR", None, True, "the project"),
        ("aspect", "VARCHAR", "all", False, "which of them"),
    ]


@pytest.mark.parametrize(
    ("name", "given", "bound"),
    [
        ("aspect", "some", "some"),
        ("aspect", "", ""),
        ("days", "7", 7),
        ("days", 7, 7),
        ("days", " 7 ", 7),
        ("share", "1e-3", 0.001),
        ("share", 2, 2),
        ("only", "YES", True),
        ("only", "0", False),
        ("only", True, True),
        ("since", "2026-01-02", date(2026, 1, 2)),
        ("since", date(2026, 1, 2), date(2026, 1, 2)),
        ("since", None, None),
        ("image", "'; drop table x; --", "'; drop table x; --"),
        ("image", " kept as it is ", " kept as it is "),
        ("names", "x, y", ["x", "y"]),
        ("names", ["x", "y"], ["x", "y"]),
        ("names", "", []),
    ],
)
def test_values_are_read_as_their_type(name: str, given: object, bound: object) -> None:
    """Text is read as the parameter's type; a value of that type passes as it is."""
    assert QUESTION.bind({"project": "p", name: given})[name] == bound


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("days", "many"), ("days", "1.5"), ("days", 1.5), ("days", True), ("share", "half"), ("only", "perhaps"),
        ("only", 1), ("since", "yesterday"), ("since", datetime(2026, 1, 1)),
        ("image", 3), ("names", [1]),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_says_what_is_expected(name: str, given: object) -> None:
    """A value that is not of the type names the parameter, what it takes, and the value."""
    with pytest.raises(QueryError, match=name) as failure:
        QUESTION.bind({"project": "p", name: given})
    assert repr(given) in failure.value.message


def test_a_closed_set_refuses_other_values() -> None:
    """A value outside the declared set is an error that names the nearest and all that there are."""
    with pytest.raises(QueryError, match="aspect has no value 'sone'") as failure:
        QUESTION.bind({"project": "p", "aspect": "sone"})
    assert failure.value.advice == "Did you mean 'some'? It takes all, some, empty."
    assert failure.value.exit_code == 2
    with pytest.raises(QueryError, match="no value"):
        _ = Question("q", "-- Which?\n-- $a VARCHAR = 'c' in ('b') : x\nselect 1").parameters


def test_the_rule_is_a_line_of_the_header() -> None:
    """`-- rule:` explains which rows are shown and is no part of the question's sentence."""
    assert QUESTION.rule == "a promotion fails if it failed."
    assert Question("q", "-- Which?\n-- rule: these.\nselect 1").description == "Which?"
    assert Question("q", "-- Which?\nselect 1").rule is None


def test_the_kinds_of_problems_are_those_declared() -> None:
    """The closed set of the parameter kind is that of the contract."""
    kind, severity = Questions(sql_folder())["problems_last_night"].parameters
    assert kind.choices == (*PROBLEM_KINDS, "")
    assert severity.choices == (*next(c.values for c in PROBLEMS.columns if c.name == "severity"), "")


def test_everything_has_a_value() -> None:
    """What is not given has its default."""
    assert QUESTION.bind({"project": "p"})["days"] == 3
    assert QUESTION.bind({"project": "p"}).keys() == {p.name for p in QUESTION.parameters}


def test_a_required_parameter_is_asked_for() -> None:
    """A parameter without a default must be given, and the message says how."""
    with pytest.raises(QueryError, match="project") as failure:
        QUESTION.bind({})
    assert "--param project=" in failure.value.advice


def test_misspelt_names_suggest_the_nearest(tmp_path: Path) -> None:
    """A question or parameter there is not names the nearest there is, or all if none is near."""
    folder = tmp_path / "questions"
    folder.mkdir()
    (folder / "what_changed.sql").write_text("-- What changed?\nselect 1")
    questions = Questions(tmp_path)
    with pytest.raises(QueryError) as failure:
        questions["what_chnged"]
    assert "what_changed" in failure.value.advice
    with pytest.raises(QueryError) as failure:
        QUESTION.bind({"project": "p", "dyas": 1})
    assert "days" in failure.value.advice
    with pytest.raises(QueryError) as failure:
        QUESTION.bind({"project": "p", "zzzzzzz": 1})
    assert "project" in failure.value.advice
    with pytest.raises(QueryError) as failure:
        questions["what_changed"].bind({"x": 1})
    assert "none" in failure.value.advice


@pytest.mark.parametrize("line", ["$days = 3 : x", "$days POINT = 3 : x", "$days INTEGER = 3", "$days INTEGER x"])
def test_a_header_that_cannot_be_read_is_an_error(line: str) -> None:
    """A parameter line of another form is not passed over in silence."""
    with pytest.raises(QueryError, match="header"):
        _ = Question("q", f"-- Which?\n-- {line}\nselect 1").parameters


@pytest.mark.parametrize("name", sorted(Questions(sql_folder()).all))
def test_our_own_questions_are_well_formed(name: str) -> None:
    """Every question of sql/questions is one sentence, and each of its parameters is described and used."""
    question = Questions(sql_folder())[name]
    assert question.description.endswith("?")
    for parameter in question.parameters:
        assert f"${parameter.name}" in question.sql.partition("\nselect")[2] + question.sql.partition("\nwith")[2]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20)),
        (" 2026-11-20 ", datetime(2026, 11, 20)),
        ("2026-11-20T10:30:00", datetime(2026, 11, 20, 10, 30)),
    ],
)
def test_a_date_is_the_moment_at_which_it_begins(written: str, moment: datetime) -> None:
    """A parameter that is a moment accepts a date alone."""
    assert Parameter("on", "TIMESTAMP", None, False, "the moment").coerce(written) == moment

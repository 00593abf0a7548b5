"""A value of an open parameter that matches nothing in the lake is said, with near values that do."""

import pytest

from collector.query.parameter_values import SOURCES, mismatch, to_look_up
from collector.query.questions import Question, Questions
from collector.query.sql_files import read_folder, sql_folder

ENVIRONMENTS = ["development", "production", "staging"]
NOTHING = "matches nothing in this lake."
REFERENCES = ["docker.io/acme/checkout:v1", "ghcr.io/acme/shop:production", "docker.io/acme/shop@sha256:ab"]


@pytest.mark.parametrize(
    ("name", "value", "known", "note"),
    [
        ("environment", "production", ENVIRONMENTS, None),
        (
            "environment",
            "prodction",
            ENVIRONMENTS,
            "environment=prodction matches nothing in this lake. Near: production.",
        ),
        (
            "environment",
            "Production",
            ENVIRONMENTS,
            "environment=Production matches nothing in this lake. Near: production.",
        ),
        (
            "environment",
            "xy",
            [*ENVIRONMENTS, "test"],
            "environment=xy matches nothing in this lake. There are development, production, staging and others.",
        ),
        ("environment", "prd", [], "environment=prd matches nothing in this lake."),
        ("image", "ACME/shop", REFERENCES, None),
        ("image", "chekout", REFERENCES, "image=chekout matches nothing in this lake. Near: checkout."),
        ("image", "xyz", REFERENCES, "image=xyz matches nothing in this lake."),
        ("project", "shp", ["shop", "web"], "project=shp matches nothing in this lake. Near: shop."),
        ("from", "2026-11-09", ["2026-11-01", "r1"], "from=2026-11-09 matches nothing in this lake. Near: 2026-11-01."),
    ],
)
def test_what_matches_nothing_is_said_with_near_values(
    name: str, value: str, known: list[str], note: str | None
) -> None:
    """An image may be any part of a reference; everything else must be equal."""
    assert mismatch(name, value, known) == note


def test_only_open_texts_that_were_given_are_looked_up() -> None:
    """Rows show that a value matches, except for an environment, to which what is not known always belongs."""
    question = Question(
        "q",
        "-- Which?\n-- $environment VARCHAR = 'production' : x\n-- $image VARCHAR = '' : x\n"
        "-- $project VARCHAR = 'a' in ('a', 'b') : x\n-- $days INTEGER = 3 : x\nselect 1",
    )
    given = {"environment": "prd", "image": "app", "project": "b", "days": "3"}
    assert to_look_up(question, given, rows=0) == {"environment": "prd", "image": "app"}
    assert to_look_up(question, given, rows=9) == {"environment": "prd"}
    assert to_look_up(question, {"environment": ""}, rows=0) == {}


def test_every_open_parameter_has_values() -> None:
    """Each text parameter of a question has a closed set, or a file with the values of the lake."""
    open_texts = {
        parameter.name
        for question in Questions(sql_folder()).all.values()
        for parameter in question.parameters
        if parameter.type == "VARCHAR" and parameter.choices is None
    }
    assert open_texts - {"words"} == set(SOURCES)
    assert set(read_folder(sql_folder() / "values")) == set(SOURCES.values())

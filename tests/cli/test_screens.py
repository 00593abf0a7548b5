"""Every question on the demo's lake, as terminals of four widths show it."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from rich.cells import cell_len

from collector.cli.output import table_text
from collector.cli.question_help import program_questions
from collector.cli.row_formats import cell_text, python_rows
from collector.cli.wrapping import abbreviate, pieces
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.query.questions import TOPICS
from collector.query.views import Views, live_files, view_sources
from collector.settings.escape import escape

QUESTIONS = program_questions().all
WIDTHS = (60, 80, 120, 200)
ROWS = 12
# What people would give for required parameters.
GIVEN = {"action_id": 1015, "image": "checkout"}


@pytest.fixture(scope="module")
def answers(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    """The answer to each question, from one database with every view."""
    lake = Lake.open(demo_lake)
    with Database([demo_lake / "tables"], tmp_path_factory.mktemp("spill")) as database:
        Views(live_files(lake), lake.manifest.latest, view_sources()).define(database)
        found = {}
        for name, question in QUESTIONS.items():
            required = {each.name: GIVEN[each.name] for each in question.parameters if each.required}
            found[name] = database.table(question.sql, question.bind(required) or None).slice(0, ROWS)
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_fits_every_terminal(name: str, answers: Mapping[str, pa.Table]) -> None:
    """No line is wider than the terminal, the columns that are the answer are all there, and no word is broken."""
    table, answer = answers[name], QUESTIONS[name].answer
    shown = table.select(answer)
    words = {word for column in answer for word in pieces(column)}
    for row in python_rows(shown.to_reader()):
        for at, value in enumerate(row):
            if pa.types.is_timestamp(shown.schema.types[at]) and value:
                value = value[:10]  # of the time, only the fraction of a second is left out
            words |= {piece for word in escape(cell_text(value)).split() for piece in pieces(word)}
    for width in WIDTHS:
        text = table_text(table, width, ROWS, answer=answer)
        assert max(map(cell_len, text.splitlines())) <= width
        assert {word for word in words if word not in text and abbreviate(word) not in text} == set()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_says_its_topic_and_its_answer(name: str, answers: Mapping[str, pa.Table]) -> None:
    """The header names one of the topics, and columns of the answer, which are a part of all."""
    question = QUESTIONS[name]
    assert question.topic in TOPICS
    assert set(question.answer) <= set(answers[name].column_names)
    assert len(set(question.answer)) == len(question.answer) > 1

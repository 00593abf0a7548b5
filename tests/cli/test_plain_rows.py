"""Rows without Arrow: what a person or a program reads is the same."""

from pathlib import Path

import pytest

from collector import open_lake
from collector.cli.options import RowFormat
from collector.cli.output import table_text
from collector.cli.row_formats import PIECES
from collector.query.certainty import certainties
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder

QUESTIONS = {
    name: question
    for name, question in Questions(sql_folder()).all.items()
    if not any(each.required for each in question.parameters)
}


@pytest.mark.parametrize("fresh", [False, True])
def test_an_answer_without_arrow_is_written_the_same(demo_lake: Path, fresh: bool) -> None:
    """In every format and for every question, Python values are written as those of Arrow are."""
    reader = open_lake(demo_lake)
    asked = ["morning", "promotion_map", "in_production"] if fresh else QUESTIONS
    arrow = {name: reader.ask(name, fresh=True) for name in asked} if fresh else reader.ask_all({n: {} for n in asked})
    for name in asked:
        plain = reader.ask_plainly(name, {}, fresh=fresh)
        table = arrow[name].table
        for form in (RowFormat.tsv, RowFormat.csv, RowFormat.json, RowFormat.markdown):
            assert b"".join(PIECES[form](plain.table)) == b"".join(PIECES[form](table.to_reader())), (name, form)
        for width in (None, 80):
            assert table_text(plain.table, width, 5, oldest_first=fresh) == table_text(
                table, width, 5, oldest_first=fresh
            )
        assert certainties(plain.table) == certainties(table)
        assert (plain.run, plain.missing, len(plain)) == (arrow[name].run, arrow[name].missing, len(arrow[name]))

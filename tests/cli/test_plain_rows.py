"""Rows without Arrow: what a person or a program reads is the same."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from collector import open_lake
from collector.cli.options import RowFormat
from collector.cli.output import table_text
from collector.cli.row_formats import PIECES
from collector.query.answer import Answer
from collector.query.certainty import certainties
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder

QUESTIONS = {
    name: question
    for name, question in Questions(sql_folder()).all.items()
    if not any(each.required for each in question.parameters)
}


def with_every_type(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Yield the names of answers that together have a column of each type, with and without a NULL in it."""
    seen: set[tuple[str, bool]] = set()
    for name, answer in answers.items():
        found = {(str(column.type), column.null_count > 0) for column in answer.table.columns}
        if not found <= seen:
            yield name
        seen |= found


@pytest.mark.parametrize("fresh", [False, True])
def test_an_answer_without_arrow_is_written_the_same(demo_lake: Path, fresh: bool) -> None:
    """In every format and for every type of column, Python values are written as those of Arrow are."""
    reader = open_lake(demo_lake)
    if fresh:
        arrow = {name: reader.ask(name, fresh=True) for name in ("morning", "promotion_map", "in_production")}
    else:
        arrow = reader.ask_all({name: {} for name in QUESTIONS})
    for name in with_every_type(arrow):
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

"""Questions that say `-- one night` are answered from the files of the selected run alone, and no worse."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import collector
from collector.lake.lake import Lake
from collector.query.engine import Database, FilesGone
from collector.query.questions import Question, Questions
from collector.query.reader import grouped
from collector.query.sources import sql_folder
from collector.query.views import Run, Views, sources_of_views

QUESTIONS = Questions(sql_folder()).all
OF_ONE_NIGHT = [name for name, question in QUESTIONS.items() if question.source.one_night]


def given(question: Question) -> dict[str, object]:
    """A value for each parameter that needs one."""
    return {parameter.name: "a" for parameter in question.parameters if parameter.required}


def of_all_files(lake: Lake, question: Question, run: Run, spill: Path) -> list[dict[str, Any]]:
    """The answer over every file of the lake."""
    with Database([lake.path / "tables"], spill, threads=1) as database:
        Views(grouped(lake), run, sources_of_views(sql_folder())).define(database)
        return database.rows(question.sql, question.bind(given(question)) or None)


@pytest.mark.parametrize("name", OF_ONE_NIGHT)
def test_other_nights_are_not_needed(name: str, demo_lake: Path, tmp_path: Path) -> None:
    """On the first night and on the last, which differ, the run's files give the answer that all files give, row by row."""
    lake, asked = Lake.open(demo_lake), collector.open_lake(demo_lake)
    question = QUESTIONS[name]
    for run in (lake.manifest.runs[0], lake.manifest.runs[-1]):
        found = asked.ask_with(name, given(question), run=run.run_id).table.to_pylist()
        assert found == of_all_files(lake, question, run, tmp_path / "spill")


def test_other_nights_are_not_opened(demo_lake: Path, tmp_path: Path) -> None:
    """With the files of every other night lost, they still answer; a question about many nights can't."""
    lake = Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake")))
    latest = lake.manifest.runs[-1].run_id
    for table in lake.manifest.tables:
        for path, _ in set(lake.files(table)) - set(lake.files(table, latest)):
            path.unlink()
    asked = collector.open_lake(lake.path)
    for name in OF_ONE_NIGHT:
        assert asked.ask_with(name, given(QUESTIONS[name])).run is not None
    with pytest.raises(FilesGone):
        asked.ask("nights")

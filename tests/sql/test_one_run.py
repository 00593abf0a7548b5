"""Questions that say `-- one run` are answered from the files of the selected run alone.

Of the tables that they name they read all files; the answer is the same as from all files of all tables.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

import collector
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.storage import FilesGone
from collector.query.questions import Question, Questions
from collector.query.sql_files import sql_folder
from collector.query.views import Views, live_files, view_sources

QUESTIONS = Questions(sql_folder()).all
# The tables of which each question also needs the rows of other runs.
OF_ONE_RUN = {
    name: question.tables_of_all_runs for name, question in QUESTIONS.items() if question.tables_of_all_runs is not None
}


def given(question: Question) -> dict[str, object]:
    """A value for each parameter that needs one."""
    return {parameter.name: "a" for parameter in question.parameters if parameter.required}


@pytest.fixture(scope="module")
def of_all_files(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Database]]:
    """Every view over every file of the lake, with the first run selected and with the last."""
    lake, spill = Lake.open(demo_lake), tmp_path_factory.mktemp("spill")
    with ExitStack() as stack:
        made = {}
        for run in (lake.manifest.runs[0], lake.manifest.runs[-1]):
            database = stack.enter_context(Database([demo_lake / "tables"], spill, threads=1))
            Views(live_files(lake), run, view_sources()).define(database)
            made[run.run_id] = database
        yield made


@pytest.mark.parametrize("name", OF_ONE_RUN)
def test_other_runs_are_not_needed(name: str, demo_lake: Path, of_all_files: Mapping[str, Database]) -> None:
    """For the first run and the last, which differ, the run's files give the same rows as all files."""
    asked, question = collector.open_lake(demo_lake), QUESTIONS[name]
    assert len(of_all_files) == 2
    for run_id, database in of_all_files.items():
        found = asked.ask_with(name, given(question), run=run_id).table.to_pylist()
        assert found == database.rows(question.sql, question.bind(given(question)) or None)


def test_questions_asked_together_have_the_answers_of_each(demo_lake: Path) -> None:
    """What they share is computed once, and changes no row, also of an older run."""
    asked, runs = collector.open_lake(demo_lake), Lake.open(demo_lake).manifest.runs
    names = ("nights", "releases", "rollbacks", "failed_releases", "what_changed")
    for run in (runs[0], runs[-1]):
        together = asked.ask_all({name: {} for name in names}, run=run.run_id)
        assert list(together) == list(names)
        for name, answer in together.items():
            alone = asked.ask(name, run=run.run_id)
            assert answer.table.equals(alone.table)
            assert (answer.run, answer.missing) == (alone.run, alone.missing)


def test_other_runs_are_not_opened(demo_lake: Path, tmp_path: Path) -> None:
    """Without the files of other runs, except of the tables that they name, they still answer; `nights` does not."""
    lake = Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake")))
    latest = lake.manifest.runs[-1].run_id
    lost = {t: set(lake.files(t)) - set(lake.files(t, latest)) for t in lake.manifest.tables}
    asked = collector.open_lake(lake.path)
    for needed in set(OF_ONE_RUN.values()):
        for table in lost.keys() - needed:
            for path, _ in lost[table]:
                path.rename(path.with_suffix(".lost"))
        names = [name for name, tables in OF_ONE_RUN.items() if tables == needed]
        answers = asked.ask_all({name: given(QUESTIONS[name]) for name in names})
        assert all(answers[name].run is not None for name in names)
        for path in list(lake.path.rglob("*.lost")):
            path.rename(path.with_suffix(".parquet"))
    for files in lost.values():
        for path, _ in files:
            path.unlink()
    with pytest.raises(FilesGone):
        asked.ask("nights")

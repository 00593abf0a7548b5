"""Questions that say `-- one run` are answered from the files of the selected run alone.

Of the tables that they name they read all files; the answer is the same as from all files of all tables. Questions that
say `-- first run and selected run` read the files of these two, and all of a table with drift that the first run lacks.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import collector
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.storage import FilesGone
from collector.lake.tables import SNAPSHOTS
from collector.query.questions import Question, Questions
from collector.query.sql_files import sql_folder
from collector.query.views import Views, live_files, view_sources

QUESTIONS = Questions(sql_folder()).all
# The tables of which each question also needs the rows of other runs, and whether of the others those of partial runs.
OF_ONE_RUN = {
    name: (question.tables_of_all_runs, question.reads_partial_runs)
    for name, question in QUESTIONS.items()
    if question.tables_of_all_runs is not None
}

OF_TWO_RUNS = [name for name, question in QUESTIONS.items() if question.is_of_two_runs]


def given(question: Question) -> dict[str, object]:
    """A value for each parameter that needs one."""
    return {parameter.name: "a" for parameter in question.parameters if parameter.required}


@pytest.fixture(scope="module")
def database(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database that may read the files of the lake."""
    with Database([demo_lake / "tables"], tmp_path_factory.mktemp("spill"), threads=1) as made:
        yield made


@pytest.mark.parametrize("name", [*OF_ONE_RUN, *OF_TWO_RUNS])
def test_other_runs_are_not_needed(name: str, demo_lake: Path, database: Database) -> None:
    """For the first run and the last, which differ, the run's files give the same rows as all files."""
    lake, asked, question = Lake.open(demo_lake), collector.open_lake(demo_lake), QUESTIONS[name]
    first, *_, last = lake.manifest.runs
    for run in (first, last):
        found = asked.ask_with(name, given(question), run=run.run_id).table.to_pylist()
        of_all_files = Views(live_files(lake), run, view_sources()).statement(question.sql, question.references)
        assert found == database.rows(of_all_files, question.bind(given(question)) or None)


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


def test_only_tables_with_new_drift_are_searched(demo_lake: Path, tmp_path: Path) -> None:
    """Without the files of the runs between they answer, but need those of a table whose drift the first run lacks."""
    lake = Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake")))
    first, *_, latest = [run.run_id for run in lake.manifest.runs]
    asked = collector.open_lake(lake.path)
    drift = asked.ask("unknown_fields").table.to_pylist()
    searched = {row["object"] for row in drift if row["first_seen_run_id"] != first}
    assert searched
    assert searched < lake.manifest.tables.keys()
    between = {t: set(lake.files(t)) - {*lake.files(t, first), *lake.files(t, latest)} for t in lake.manifest.tables}
    for table in between.keys() - searched - SNAPSHOTS:
        for path, _ in between[table]:
            path.unlink()
    for name in OF_TWO_RUNS:
        assert asked.ask_with(name, given(QUESTIONS[name])).run is not None
    assert asked.ask("unknown_fields").table.to_pylist() == drift
    for table in searched:
        for path, _ in between[table]:
            path.unlink()
    with pytest.raises(FilesGone):
        asked.ask("unknown_fields")


def test_other_runs_are_not_opened(demo_lake: Path, tmp_path: Path) -> None:
    """Without the files of other runs, except of the tables that they name, they still answer; `nights` does not."""
    lake = Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake")))
    latest = lake.manifest.runs[-1].run_id
    lost = {t: set(lake.files(t)) - set(lake.files(t, latest)) for t in lake.manifest.tables}
    partial = [run.run_id for run in lake.manifest.runs if run.status == "partial"]
    of_partial = {file for table in lost for run in partial for file in lake.files(table, run)}
    assert 0 < len(partial) < len(lake.manifest.runs) - 1
    asked = collector.open_lake(lake.path)
    for needed, and_partial in set(OF_ONE_RUN.values()):
        for table in lost.keys() - needed:
            for path, _ in lost[table] - (of_partial if and_partial else set()):
                path.rename(path.with_suffix(".lost"))
        names = [name for name, reads in OF_ONE_RUN.items() if reads == (needed, and_partial)]
        answers = asked.ask_all({name: given(QUESTIONS[name]) for name in names})
        assert all(answers[name].run is not None for name in names)
        for path in list(lake.path.rglob("*.lost")):
            path.rename(path.with_suffix(".parquet"))
    for files in lost.values():
        for path, _ in files:
            path.unlink()
    with pytest.raises(FilesGone):
        asked.ask("nights")

"""Opens a lake and answers questions about it.

Each question opens the lake again and sees one consistent set of files. When a file is gone, because a newer manifest
was published and the grace period of retired files is over, the question is asked again of the newer set.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from collector.errors import QueryError
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.storage import FilesGone
from collector.query.answer import Answer, PlainAnswer
from collector.query.kept_views import FOLDER
from collector.query.parameter_values import to_look_up
from collector.query.questions import Questions
from collector.query.read_only import require_read_only
from collector.query.session import AT_ONCE, Session
from collector.query.sql_files import SqlFile, identifiers, sql_folder
from collector.query.views import Views, no_files, view_sources
from collector.settings.lake_place import LakeUrl, lake_place
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
AnyAnswer = TypeVar("AnyAnswer", bound=Answer | PlainAnswer)


class LakeReader:
    """Answers questions about a lake, which it opens again with `open_lake` for each of them."""

    def __init__(self, open_lake: Callable[[], Lake]) -> None:
        self._open_lake = open_lake
        self._questions = Questions(sql_folder())
        self._sources = view_sources()

    def ask(self, question: str, run: str = "latest", *, fresh: bool = False, **parameters: object) -> Answer:
        """Answer a question about one run: 'latest', a run_id, or a UTC date (its last run).

        With `fresh` it is restricted to what that run itself read. Raises QueryError for an unknown question, parameter
        or run, LakeError for a lake that cannot be read.
        """
        return self.ask_with(question, parameters, run=run, fresh=fresh)

    def ask_with(
        self, question: str, parameters: Mapping[str, object], *, run: str = "latest", fresh: bool = False
    ) -> Answer:
        """Answer a question with parameters as a mapping, whose names cannot clash with those of `ask`."""
        return self._ask(Session.answer, question, parameters, run, fresh)

    def ask_plainly(
        self, question: str, parameters: Mapping[str, object], *, run: str = "latest", fresh: bool = False
    ) -> PlainAnswer:
        """Answer a question as `ask_with` does, with rows as Python values: quicker where no Arrow is wanted."""
        return self._ask(Session.answer_plainly, question, parameters, run, fresh)

    def _ask(
        self,
        answered: Callable[[Session, SqlFile, Mapping[str, object]], AnyAnswer],
        question: str,
        parameters: Mapping[str, object],
        run: str,
        fresh: bool,
    ) -> AnyAnswer:
        asked = self._questions[question]
        bound = asked.bind(parameters)
        answer = self._retry(lambda session: answered(session, asked, bound), run, fresh=fresh)
        values = to_look_up(asked, parameters, len(answer)) if answer.run else {}
        notes = self._retry(lambda session: session.mismatches(values), run) if values else ()
        return replace(answer, rule=asked.rule, notes=(*answer.notes, *notes))

    def ask_all(self, asked: Mapping[str, Mapping[str, object]], *, run: str = "latest") -> dict[str, Answer]:
        """Answer several questions about one run, given as name → parameters: quicker than `ask` for each of them."""
        questions = [(self._questions[name], self._questions[name].bind(given)) for name, given in asked.items()]
        answers = self._retry(lambda session: session.answer_all(questions), run, at_once=AT_ONCE)
        return {name: replace(answers[name], rule=self._questions[name].rule) for name in asked}

    def run(self, wanted: str = "latest") -> RunEntry | None:
        """Return the run that `wanted` names: 'latest', a run_id or a UTC date. None when nothing is published yet.

        Raises QueryError when there is no such run, naming the nearest.
        """
        return select_run(self._open_lake().manifest.runs, wanted)

    def sql(self, text: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer any SELECT over the tables and views; it can neither write nor read outside the lake."""
        return self._retry(lambda session: session.sql(text, parameters))

    def answer(self, file: SqlFile, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer a file of sql/ that is no question: quicker than its text, because it says which views it uses."""
        return self._retry(lambda session: session.answer(file, parameters))

    def stream(self, text: str) -> pa.RecordBatchReader:
        """Return the rows of any SELECT as they are found, for answers larger than memory."""
        import pyarrow as pa

        with ExitStack() as stack:
            session = stack.enter_context(self._session(self._open_lake()))
            session.views().define(session.database, identifiers(text))
            require_read_only(session.database, text)
            found = session.database.stream(text)
            return pa.RecordBatchReader.from_batches(found.schema, _read_and_close(found, stack.pop_all()))

    def questions(self) -> list[dict[str, Any]]:
        """Return every question: name, description, parameters, and the columns of its answer."""
        lake = self._open_lake()
        views = Views(no_files, lake.manifest.latest, self._sources)  # types are those of the contract
        with tempfile.TemporaryDirectory(prefix="collector-") as spill, Database([], Path(spill)) as database:
            views.define_empty(database)
            return [
                {
                    **question.described(),
                    "columns": [
                        {"name": name, "type": kind}
                        for name, kind in database.columns(question.sql, question.defaults())
                    ],
                }
                for question in self._questions.all.values()
            ]

    def views(self) -> list[str]:
        """Return the name of every table and view."""
        self._open_lake()  # a missing one is an error
        return Views(no_files, None, self._sources).names

    def _retry(self, ask: Callable[[Session], T], run: str = "latest", *, fresh: bool = False, at_once: int = 1) -> T:
        """Ask in a new session, and again while files are gone because the manifest was replaced."""
        while True:
            lake = self._open_lake()
            try:
                with self._session(lake, run, fresh=fresh, at_once=at_once) as session:
                    return ask(session)
            except FilesGone:
                # Under the same manifest the file is not superseded but lost.
                if self._open_lake().manifest.sequence == lake.manifest.sequence:
                    raise

    @contextmanager
    def _session(self, lake: Lake, run: str = "latest", *, fresh: bool = False, at_once: int = 1) -> Iterator[Session]:
        selected = select_run(lake.manifest.runs, run)
        names = Views(no_files, selected, self._sources).names
        readable = (lake.storage.readable, lake.path / FOLDER)
        with (
            tempfile.TemporaryDirectory(prefix="collector-") as spill,
            Database(readable, Path(spill), at_once=at_once, hints=names) as database,
        ):
            yield Session(lake, database, selected, self._sources, fresh)


def open_lake(place: str | PathLike[str] | LakeUrl) -> LakeReader:
    """Return a reader of the lake at a path or URL, which it opens again for each question.

    Raises SettingsError for a URL that names no lake, LakeError when there is none, or it is damaged or of a newer
    format.
    """
    found = place if isinstance(place, LakeUrl) else lake_place(fspath(place), "the place of the lake")
    return LakeReader(lambda: Lake.open(found))


def select_run(runs: Sequence[RunEntry], wanted: str) -> RunEntry | None:
    """Return the run that `wanted` names: 'latest', a run_id or a date. None when nothing is published yet.

    Raises QueryError when there is no such run, naming the nearest.
    """
    if wanted == "latest":
        return runs[-1] if runs else None
    if found := [run for run in runs if wanted in (run.run_id, str(run.run_date))]:
        return found[-1]
    if not runs:
        raise QueryError(f"no run {wanted!r}: nothing has been published yet", advice="Run `collector collect`.")
    raise QueryError(
        f"there is no run {wanted!r} in this lake",
        advice=f"{did_you_mean(wanted, [run.run_id for run in runs])}The latest is {runs[-1].run_id}; "
        "`collector status` lists the last ones.",
    )


def _read_and_close(found: pa.RecordBatchReader, session: ExitStack) -> Iterator[pa.RecordBatch]:
    with session:
        yield from found

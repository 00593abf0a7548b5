"""The face of the lake: open it, ask, get an Answer.

Each question opens the lake anew and sees one consistent set of files. Where a file went away meanwhile, because a
newer manifest was published and the grace of retired files is over, the question is asked again of the newer set.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from collector.errors import QueryError
from collector.lake.database import Database, FilesGone
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.tables import TABLES
from collector.query.answer import Answer, Gap
from collector.query.questions import Question, Questions
from collector.query.sql_files import identifiers, sql_folder
from collector.query.views import Views, grouped, sources_of_views
from collector.settings.parsers import directory

_ATTEMPTS = 5
_GAPS = """
select level, coverage, sum(things)::BIGINT as things
from run_coverage
where run_id in (select run_id from selected_run) and not whole
group by level, coverage
order by min(list_position(['installation', 'workspace', 'project', 'pipeline', 'action'], level)), coverage
"""

T = TypeVar("T")


@dataclass(frozen=True)
class _Session:
    """One consistent set of files, with a database over it and the run that is asked about."""

    database: Database
    views: Views
    run: RunEntry | None

    def answer(self, sql: str, parameters: Mapping[str, object] | None = None) -> Answer:
        self.views.define(self.database, identifiers(sql))
        return Answer(self.database.table(sql, parameters), self.run, self._gaps(identifiers(sql)))

    def _gaps(self, defined: Collection[str]) -> tuple[Gap, ...]:
        if self.run is None or self.run.status == "complete":
            return ()
        with_gaps = Views(self.views.files, self.views.run, self.views.sources)
        missing = set(with_gaps.selects(identifiers(_GAPS))) - set(with_gaps.selects(defined))
        for name, select in with_gaps.selects(identifiers(_GAPS)).items():
            if name in missing:
                self.database.define(name, select)
        return tuple(Gap(row["level"], row["coverage"], row["things"]) for row in self.database.rows(_GAPS))


class LakeReader:
    """Answers questions about a lake. `opened` opens it anew, so each question sees the newest set of nights."""

    def __init__(self, opened: Callable[[], Lake]) -> None:
        self._opened = opened
        self._folder = sql_folder()
        self._questions = Questions(self._folder)
        self._sources = sources_of_views(self._folder)

    def ask(self, question: str, run: str = "latest", **parameters: object) -> Answer:
        """Answer a question about one night: 'latest', a run_id, or a UTC date (its last night).

        Raises QueryError for an unknown question, parameter or run, LakeError for a lake that can't be read.
        """
        return self.ask_with(question, parameters, run=run)

    def ask_with(self, question: str, parameters: Mapping[str, object], *, run: str = "latest") -> Answer:
        """Answer a question with parameters as a mapping, whose names can't clash with ours."""
        asked = self._questions[question]
        bound = asked.bind(parameters)
        return self._trying(run, lambda session: session.answer(asked.sql, bound), many_nights=asked.source.many_nights)

    def sql(self, text: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer any SELECT over the tables and views; it cannot write, nor read outside the lake."""

        def answered(session: _Session) -> Answer:
            session.views.define(session.database, identifiers(text))
            session.database.require_read_only(text, parameters)
            return Answer(session.database.table(text, parameters), session.run, session._gaps(identifiers(text)))

        return self._trying("latest", answered)

    def stream(self, text: str) -> pa.RecordBatchReader:
        """The rows of any SELECT as they are found, for answers larger than memory."""
        stack = ExitStack()
        try:
            session = stack.enter_context(self._session("latest"))
            session.views.define(session.database, identifiers(text))
            session.database.require_read_only(text)
            found = session.database.stream(text)
        except BaseException:
            stack.close()
            raise
        return pa.RecordBatchReader.from_batches(found.schema, _until_read(found, stack))

    def question(self, name: str) -> Question:
        """The question of that name. Raises QueryError that names the nearest."""
        return self._questions[name]

    def questions(self) -> list[dict[str, Any]]:
        """Every question: name, description, parameters, and the columns of its answer."""

        def described(session: _Session) -> list[dict[str, Any]]:
            session.views.define(session.database)
            return [_described(question, session.database) for question in self._questions.all.values()]

        return self._trying("latest", described)

    def views(self) -> list[str]:
        """The name of every table and view."""
        with self._session("latest") as session:
            return session.views.names

    def _trying(self, run: str, ask: Callable[[_Session], T], *, many_nights: Collection[str] | None = None) -> T:
        sequence = None
        for attempt in range(_ATTEMPTS):
            try:
                with self._session(run, many_nights) as session:
                    return ask(session)
            except FilesGone:
                newest = self._opened().manifest.sequence
                # The same manifest again: the file isn't superseded, it is lost.
                if newest == sequence or attempt == _ATTEMPTS - 1:
                    raise
                sequence = newest
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _session(self, run: str, many_nights: Collection[str] | None = None) -> Iterator[_Session]:
        lake = self._opened()
        selected = select_run(lake.manifest.runs, run)
        files = grouped(lake, selected.run_id if selected else None, TABLES if many_nights is None else many_nights)
        views = Views(files, selected, self._sources)
        with (
            tempfile.TemporaryDirectory(prefix="collector-") as spill,
            Database([lake.path / "tables"], Path(spill)) as database,
        ):
            yield _Session(database, views, selected)


def open_lake(path: "str | PathLike[str]") -> LakeReader:
    """Return a reader of the lake at `path`, which it opens anew for each question.

    Raises SettingsError for a URL, LakeError when there is no lake, or it is damaged or of a newer format.
    """
    opened = Path(directory(fspath(path), "the path of the lake"))
    return LakeReader(lambda: Lake.open(opened))


def select_run(runs: Sequence[RunEntry], wanted: str) -> RunEntry | None:
    """The run that `wanted` names: 'latest', a run_id or a date. None when nothing is published yet.

    Raises QueryError when there is no such run, naming the nearest.
    """
    if wanted == "latest":
        return runs[-1] if runs else None
    try:
        day = date.fromisoformat(wanted) if len(wanted) == len("2026-11-23") else None
    except ValueError:
        day = None
    found = [run for run in runs if wanted == run.run_id or day == run.run_date]
    if found:
        return found[-1]
    if not runs:
        raise QueryError(f"no run {wanted!r}: nothing has been published yet", advice="Run `collector collect`.")
    near = get_close_matches(wanted, [run.run_id for run in runs], n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise QueryError(
        f"there is no run {wanted!r} in this lake",
        advice=f"{hint}The latest is {runs[-1].run_id}; `collector status` lists the last ones.",
    )


def _described(question: Question, database: Database) -> dict[str, Any]:
    parameters = [
        {
            "name": each.name,
            "type": each.type,
            "default": None if each.default is None else str(each.default),
            "required": each.required,
            "description": each.description,
        }
        for each in question.parameters
    ]
    nulls = {each.name: each.default for each in question.parameters}
    columns = [{"name": name, "type": kind} for name, kind in database.columns(question.sql, nulls)]
    return {"name": question.name, "description": question.description, "parameters": parameters, "columns": columns}


def _until_read(found: pa.RecordBatchReader, stack: ExitStack) -> Iterator[pa.RecordBatch]:
    with stack:
        yield from found

"""Opens a lake and answers questions about it.

Each question opens the lake anew and sees one consistent set of files. When a file is gone, because a newer manifest
was published and the grace period of retired files is over, the question is asked again of the newer set.
"""

import html
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from collector.errors import QueryError
from collector.extras import needs_extra
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.storage import FilesGone
from collector.query.answer_text import HTML_ROWS, TEXT_ROWS, as_html, as_text
from collector.query.carried import CARRIED_TABLES, Carried, carried_into
from collector.query.certainty import rows_in_words
from collector.query.parameter_values import SOURCES, mismatch, to_look_up
from collector.query.questions import Question, Questions
from collector.query.read_only import require_read_only
from collector.query.sql_files import SqlFile, identifiers, read_folder, sql_folder
from collector.query.views import Views, live_files, no_files, view_sources
from collector.settings.lake_place import LakeUrl, lake_place
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

GAPS = SqlFile(
    "gaps",
    """
select level, coverage, sum(things)::BIGINT as things
from run_coverage
where run_id in (select run_id from selected_run) and not whole
group by level, coverage
order by
    min(list_position(['installation', 'workspace', 'project', 'pipeline', 'action', 'execution list'], level)),
    coverage
""",
)

# The view that takes longest and on which all questions about releases rest.
_SHARED = "written_environments"

T = TypeVar("T")


@dataclass(frozen=True)
class Gap:
    """What a partial run is missing: how many things of one level have a coverage that leaves them unknown."""

    level: str
    coverage: str
    count: int


@dataclass(frozen=True, repr=False)
class Answer:
    """Rows as Arrow, with the run that they describe (None in an empty lake), its gaps, and the question's rule.

    `carried` says how many promotions of that run an earlier one read, None where that is none or the rows do not rest
    on promotions; `fresh` that the rows are restricted to what the run itself read. `notes` say which values of
    parameters match nothing in the lake.
    """

    table: pa.Table
    run: RunEntry | None = None
    missing: tuple[Gap, ...] = ()
    carried: Carried | None = None
    fresh: bool = False
    rule: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self.table

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows as a pandas DataFrame. Raises UsageError where the extra `pandas` is missing."""
        with needs_extra("pandas"):
            import pandas  # noqa: F401 - pyarrow imports it

        return self.table.to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """Return the rows as a polars DataFrame. Raises UsageError where the extra `polars` is missing."""
        with needs_extra("polars"):
            import polars

        return polars.DataFrame(self.table)

    @property
    def age(self) -> str:
        """How many promotions were carried and how old the oldest is, in words; empty where that changes nothing."""
        if self.carried is not None:
            return self.carried.sentence(datetime.now(UTC), left_out=self.fresh)
        return "only what this run read" if self.fresh else ""

    def __repr__(self) -> str:
        """Return the first rows as a table that fits the terminal."""
        shown = as_text(self.table, shutil.get_terminal_size().columns)
        return f"{shown}\n{self._summary(TEXT_ROWS)}"

    def _repr_html_(self) -> str:
        """Return the first rows as HTML for a notebook."""
        return f"{as_html(self.table)}<p>{html.escape(self._summary(HTML_ROWS))}</p>"

    def _summary(self, shown: int) -> str:
        more = f", the first {shown} are shown" if len(self) > shown else ""
        summary = f"{rows_in_words(self.table)}{more}"
        if self.run is not None:
            summary += f" · run {self.run.run_id} ({self.run.status})"
        gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in self.missing)
        if gaps:
            summary += f" · this run is incomplete: {gaps}"
        return " · ".join(filter(None, (summary, self.age, *self.notes)))


@dataclass(frozen=True)
class _Session:
    """A database over one consistent set of files, and the views of it."""

    lake: Lake
    database: Database
    views: Views

    def answer(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, uses: frozenset[str] | None = None
    ) -> Answer:
        """Answer one statement. `uses` are the names that one of ours uses; any other must only read."""
        names = identifiers(sql) if uses is None else uses
        self._define(names)
        if uses is None:
            require_read_only(self.database, sql, parameters)
        return self._answer(sql, parameters, names)

    def answer_all(self, questions: Sequence[tuple[Question, Mapping[str, object]]]) -> dict[str, Answer]:
        """Answer several questions, each given with its bound parameters; what they share is computed once."""
        words = [question.references for question, _ in questions]
        self._define(frozenset[str]().union(*words))
        if sum(_SHARED in self.views.selects(each) for each in words) > 1:
            rows = f"rows_of_{_SHARED}"
            self.database.materialise(rows, f"select * from {_SHARED}")
            self.database.define(_SHARED, f"select * from {rows}")
        return {question.name: self._answer(question.sql, bound, question.references) for question, bound in questions}

    def _define(self, names: Collection[str]) -> None:
        self.views.define(self.database, {*names, *(GAPS.references if self._is_partial else ())})

    def _answer(self, sql: str, parameters: Mapping[str, object] | None, names: frozenset[str]) -> Answer:
        table = self.database.table(sql, parameters)
        gaps = self.database.rows(GAPS.sql) if self._is_partial else []
        missing = tuple(Gap(row["level"], row["coverage"], row["things"]) for row in gaps)
        return Answer(table, self.views.run, missing, self._carried(names), self.views.fresh)

    def _carried(self, names: frozenset[str]) -> Carried | None:
        """Return what was carried into the run, None where a statement that uses these names does not read that."""
        run = self.views.run
        if run is None or CARRIED_TABLES.isdisjoint(self.views.tables(names)):
            return None
        actions, promotions = (
            [path for path, _ in self.lake.files(table, run.run_id)] for table in ("actions", "promote_image_actions")
        )
        return carried_into(self.database, run.run_id, actions, promotions)

    @property
    def _is_partial(self) -> bool:
        return self.views.run is not None and self.views.run.status != "complete"

    def mismatches(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return a sentence for each of these values of parameters that matches nothing in the lake."""
        sources = read_folder(sql_folder() / "values")
        self.views.define(self.database, frozenset().union(*(sources[SOURCES[name]].references for name in values)))
        found = (
            mismatch(name, value, [row["value"] for row in self.database.rows(sources[SOURCES[name]].sql)])
            for name, value in values.items()
        )
        return tuple(filter(None, found))


class LakeReader:
    """Answers questions about a lake, which it opens anew with `open_lake` for each of them."""

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
        asked = self._questions[question]
        bound = asked.bind(parameters)
        tables = asked.tables_of_all_runs
        answer = self._retry(
            lambda session: session.answer(asked.sql, bound, uses=asked.references), run, tables, fresh=fresh
        )
        values = to_look_up(asked, parameters, len(answer)) if answer.run else {}
        notes = self._retry(lambda session: session.mismatches(values), run) if values else ()
        return replace(answer, rule=asked.rule, notes=notes)

    def ask_all(self, asked: Mapping[str, Mapping[str, object]], *, run: str = "latest") -> dict[str, Answer]:
        """Answer several questions about one run, given as name → parameters: quicker than `ask` for each of them."""
        # Questions that read the same files have a database in common.
        groups: dict[frozenset[str] | None, list[tuple[Question, Mapping[str, object]]]] = {}
        for name, parameters in asked.items():
            question = self._questions[name]
            groups.setdefault(question.tables_of_all_runs, []).append((question, question.bind(parameters)))
        answers: dict[str, Answer] = {}
        for tables, questions in groups.items():
            answers |= self._retry(partial(_Session.answer_all, questions=questions), run, tables)
        return {name: replace(answers[name], rule=self._questions[name].rule) for name in asked}

    def sql(self, text: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer any SELECT over the tables and views; it can neither write nor read outside the lake."""
        return self._retry(lambda session: session.answer(text, parameters))

    def stream(self, text: str) -> pa.RecordBatchReader:
        """Return the rows of any SELECT as they are found, for answers larger than memory."""
        with ExitStack() as stack:
            session = stack.enter_context(self._session(self._open_lake()))
            session.views.define(session.database, identifiers(text))
            require_read_only(session.database, text)
            found = session.database.stream(text)
            return pa.RecordBatchReader.from_batches(found.schema, _read_and_close(found, stack.pop_all()))

    def questions(self) -> list[dict[str, Any]]:
        """Return every question: name, description, parameters, and the columns of its answer."""

        lake = self._open_lake()
        views = Views(no_files, lake.manifest.latest, self._sources)  # types are those of the contract
        with tempfile.TemporaryDirectory(prefix="collector-") as spill, Database([], Path(spill)) as database:
            views.define(database)
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

    def _retry(
        self,
        ask: Callable[[_Session], T],
        run: str = "latest",
        tables_of_all_runs: Collection[str] | None = None,
        *,
        fresh: bool = False,
    ) -> T:
        """Ask in a new session, and again while files are gone because the manifest was replaced."""
        while True:
            lake = self._open_lake()
            try:
                with self._session(lake, run, tables_of_all_runs, fresh=fresh) as session:
                    return ask(session)
            except FilesGone:
                # Under the same manifest the file is not superseded but lost.
                if self._open_lake().manifest.sequence == lake.manifest.sequence:
                    raise

    @contextmanager
    def _session(
        self, lake: Lake, run: str = "latest", tables_of_all_runs: Collection[str] | None = None, *, fresh: bool = False
    ) -> Iterator[_Session]:
        selected = select_run(lake.manifest.runs, run)
        files = live_files(lake, selected.run_id if selected else None, tables_of_all_runs)
        views = Views(files, selected, self._sources, fresh)
        with (
            tempfile.TemporaryDirectory(prefix="collector-") as spill,
            Database([lake.storage.readable], Path(spill), hints=views.names) as database,
        ):
            yield _Session(lake, database, views)


def open_lake(place: "str | PathLike[str] | LakeUrl") -> LakeReader:
    """Return a reader of the lake at a path or URL, which it opens anew for each question.

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

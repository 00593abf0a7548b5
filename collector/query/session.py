"""Statements against one consistent set of files of a lake: which views each needs, and what the run is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.query.answer import Answer, Gap
from collector.query.carried import CARRIED_TABLES, Carried, carried_into
from collector.query.other_installations import other_installations
from collector.query.parameter_values import SOURCES, mismatch
from collector.query.questions import Question
from collector.query.read_only import require_read_only
from collector.query.sql_files import SqlFile, identifiers, read_folder, sql_folder
from collector.query.views import SELECTED_RUN, Views, live_files

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

# The tables in which the selected run has a field or value that the lake's first run lacks.
SEARCHED = SqlFile("searched", "select distinct object from drift_in_run where not on_first_run")

# The view that takes longest and on which all questions about releases rest.
_SHARED = "written_environments"


@dataclass(frozen=True)
class Session:
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
        if any(question.is_of_two_runs for question, _ in questions):
            self._search()
        if sum(self.views.needs(_SHARED, each) for each in words) > 1:
            self._compute_once(_SHARED)
        return {question.name: self._answer(question.sql, bound, question.references) for question, bound in questions}

    def _compute_once(self, view: str) -> None:
        """Let all that reads a view read its rows, which are computed here."""
        rows = f"rows_of_{view}"
        self.database.materialise(rows, f"select * from {view}")
        self.database.define(view, f"select * from {rows}")

    def _search(self) -> None:
        """Let a table with drift that is newer than the lake's first run be read from the files of all runs."""
        self._compute_once("drift_in_run")
        searched = [row["object"] for row in self.database.rows(SEARCHED.sql)]
        if searched:
            replace(self.views, find_files=live_files(self.lake)).define(self.database, searched)

    def _define(self, names: Collection[str]) -> None:
        self.views.define(self.database, {*names, *(GAPS.references if self._is_partial else ())})

    def _answer(self, sql: str, parameters: Mapping[str, object] | None, names: frozenset[str]) -> Answer:
        table = self.database.table(sql, parameters)
        gaps = self.database.rows(GAPS.sql) if self._is_partial else []
        missing = tuple(Gap(row["level"], row["coverage"], row["things"]) for row in gaps)
        others = other_installations(self.lake.manifest, self.views.run)
        notes = (others,) if others and self.views.needs(SELECTED_RUN, names) else ()
        return Answer(table, self.views.run, missing, self._carried(names), self.views.fresh, notes=notes)

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

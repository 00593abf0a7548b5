"""Statements against one consistent set of files of a lake: which views each needs, and what the run is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.query.answer import Answer, Gap
from collector.query.carried import CARRIED_TABLES, Carried, carried_into
from collector.query.other_installations import other_installations
from collector.query.parameter_values import SOURCES, mismatch
from collector.query.questions import Question
from collector.query.read_only import require_read_only
from collector.query.sql_files import SqlFile, identifiers, read_folder, sql_folder
from collector.query.views import SELECTED_RUN, Views, files_for, no_files

GAPS = SqlFile(
    "gaps",
    """\
-- one run
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

# The views that take longest, each after those it reads: on them rest all questions about configurations and releases.
_SHARED = ("selected_steps", "selected_promotions", "written_environments", "release_attempts")
# A view of few rows that is joined with many: computed first, because the planner takes it for the larger side.
_COMPUTED_FIRST = "configured_destinations"


@dataclass
class Session:
    """A database over one consistent set of files, and the views of it; `computed` are those whose rows it has."""

    lake: Lake
    database: Database
    run: RunEntry | None
    sources: Mapping[str, SqlFile]
    fresh: bool = False
    computed: dict[str, SqlFile] = field(default_factory=dict)

    def sql(self, text: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer any statement that only reads."""
        views, names = self.views(), identifiers(text)
        views.define(self.database, names)
        require_read_only(self.database, text, parameters)
        return self._answer(text, parameters, names)

    def answer(self, file: SqlFile, parameters: Mapping[str, object] | None = None) -> Answer:
        """Answer a file of sql/, given with its bound parameters."""
        views = self._with_searched(file) if file.is_of_two_runs else self._ready(self.views(file), file.references)
        return self._answer(views.statement(file.sql, file.references), parameters, file.references)

    def answer_all(self, questions: Sequence[tuple[Question, Mapping[str, object]]]) -> dict[str, Answer]:
        """Answer several questions, each given with its bound parameters; what they share is computed once."""
        for view in _SHARED:
            if sum(self.views(question).needs(view, question.references) for question, _ in questions) > 1:
                self._compute(view, self._ready(self.views(self.sources[view]), {view}))
        return {question.name: self.answer(question, bound) for question, bound in questions}

    def views(self, file: SqlFile | None = None) -> Views:
        """Return the views over the files from which a file of sql/ is answered; None: anything may be asked."""
        files = files_for(file, self.lake, self.run)
        return Views(files, self.run, {**self.sources, **self.computed}, self.fresh)

    def _ready(self, views: Views, wanted: Collection[str]) -> Views:
        """Return the views for a statement that uses the `wanted` names, with the rows of what is computed first."""
        if not views.needs(_COMPUTED_FIRST, wanted):
            return views
        if _COMPUTED_FIRST not in self.computed:
            self._compute(_COMPUTED_FIRST, views)
        return replace(views, sources={**views.sources, **self.computed})

    def _compute(self, name: str, views: Views) -> None:
        """Compute the rows of a view, which all that reads it reads from now on."""
        rows = f"rows_of_{name}"
        self.database.materialise(rows, views.statement(f"select * from {name}", {name}))
        self.computed[name] = SqlFile(name, f"select * from {rows}")

    def _with_searched(self, file: SqlFile) -> Views:
        """Return the views over all files of a table with drift that is newer than the lake's first run."""
        self._compute("drift_in_run", self.views(file))
        views = self.views(file)
        searched = [row["object"] for row in self._rows(SEARCHED, views)]
        return replace(views, find_files=files_for(file, self.lake, self.run, searched))

    def _rows(self, file: SqlFile, views: Views) -> list[dict[str, Any]]:
        return self.database.rows(views.statement(file.sql, file.references))

    def _answer(self, statement: str, parameters: Mapping[str, object] | None, names: frozenset[str]) -> Answer:
        """Return the rows of a statement that uses these names, with what to know of them."""
        table = self.database.table(statement, parameters)
        gaps = self._rows(GAPS, self.views(GAPS)) if self.run is not None and self.run.status != "complete" else []
        missing = tuple(Gap(row["level"], row["coverage"], row["things"]) for row in gaps)
        others = other_installations(self.lake.manifest, self.run)
        uses = Views(no_files, self.run, self.sources)
        notes = (others,) if others and uses.needs(SELECTED_RUN, names) else ()
        return Answer(table, self.run, missing, self._carried(uses.tables(names)), self.fresh, notes=notes)

    def _carried(self, tables: Collection[str]) -> Carried | None:
        """Return what was carried into the run, None where these tables do not hold it."""
        if self.run is None or CARRIED_TABLES.isdisjoint(tables):
            return None
        run_id = self.run.run_id
        actions, promotions = (self.lake.files(table, run_id) for table in ("actions", "promote_image_actions"))
        return carried_into(self.database, run_id, actions, promotions)

    def mismatches(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return a sentence for each of these values of parameters that matches nothing in the lake."""
        sources = read_folder(sql_folder() / "values")
        known = {name: self._rows(sources[SOURCES[name]], self.views()) for name in values}
        found = (mismatch(name, value, [row["value"] for row in known[name]]) for name, value in values.items())
        return tuple(filter(None, found))

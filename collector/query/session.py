"""Statements against one consistent set of files of a lake: which views each needs, and what the run is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.query.answer import Answer, Gap, PlainAnswer
from collector.query.carried import CARRIED_TABLES, Carried, carried_into
from collector.query.kept_views import KEPT, kept_views
from collector.query.other_installations import other_installations
from collector.query.parameter_values import SOURCES, mismatch
from collector.query.questions import Question
from collector.query.read_only import require_read_only
from collector.query.sql_files import SqlFile, identifiers, read_folder, sql_folder
from collector.query.steps import do_steps
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
_SHARED = ("written_environments", "release_attempts", "selected_steps", "selected_promotions")
# A view of few rows that is joined with many: computed first, because the planner takes it for the larger side.
_COMPUTED_FIRST = "configured_destinations"
# So many statements are answered at the same time where several are asked: a part of each has work for one core only.
AT_ONCE = 2


@dataclass
class Session:
    """A database over one consistent set of files, and the views of it; `computed` are those whose rows there are."""

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
        return self._answer(self._statement(file), parameters, file.references)

    def answer_plainly(self, file: SqlFile, parameters: Mapping[str, object]) -> PlainAnswer:
        """Answer a file of sql/ without Arrow."""
        rows = self.database.plain_rows(self._statement(file), parameters)
        return PlainAnswer(rows, **self._provenance(file.references))

    def answer_all(self, questions: Sequence[tuple[Question, Mapping[str, object]]]) -> dict[str, Answer]:
        """Answer several questions, each given with its bound parameters; what they share is computed once."""
        answers: dict[str, Answer] = {}
        self._use_kept(frozenset().union(*(question.references for question, _ in questions)))

        def answer(question: Question, bound: Mapping[str, object]) -> None:
            answers[question.name] = self.answer(question, bound)

        users = {
            view: [question for question, _ in questions if self._uses(question, view)]
            for view in (_COMPUTED_FIRST, *_SHARED)
            if view not in self.computed
        }
        # What one question alone needs is computed from its files, which may be fewer.
        shared = {
            view: self.sources[view] if len(each) > 1 else each[0]
            for view, each in users.items()
            if len(each) > 1 or (each and view == _COMPUTED_FIRST)
        }
        steps: dict[str, Callable[[], None]] = {
            **{f"rows of {view}": partial(self._compute, view, file) for view, file in shared.items()},
            **{question.name: partial(answer, question, bound) for question, bound in questions},
        }
        files = {f"rows of {view}": self.sources[view] for view in shared} | {q.name: q for q, _ in questions}
        needs = {
            name: [f"rows of {view}" for view in shared if view != file.name and self._uses(file, view)]
            for name, file in files.items()
        }
        do_steps(steps, needs, AT_ONCE)
        return {question.name: answers[question.name] for question, _ in questions}

    def _uses(self, file: SqlFile, view: str) -> bool:
        return self._without_files.needs(view, file.references)

    @property
    def _without_files(self) -> Views:
        """The views as they are written, to look what uses what."""
        return Views(no_files, self.run, self.sources)

    def views(self, file: SqlFile | None = None) -> Views:
        """Return the views over the files from which a file of sql/ is answered; None: anything may be asked."""
        self._use_kept(None if file is None else file.references)
        files = files_for(file, self.lake, self.run)
        return Views(files, self.run, {**self.sources, **self.computed}, self.fresh)

    def _use_kept(self, names: frozenset[str] | None) -> None:
        """Read the views that are kept with the lake from now on, where these names (None: all) need one of them."""
        if any(self._without_files.needs(view, names) for view in KEPT):
            self.computed.update({**self._kept, **self.computed})

    @cached_property
    def _kept(self) -> Mapping[str, SqlFile]:
        if self.fresh or self.run is None or self.run is not self.lake.manifest.latest:
            return {}
        return kept_views(self.lake, self.sources)

    def _statement(self, file: SqlFile) -> str:
        self._use_kept(file.references)
        if _COMPUTED_FIRST not in self.computed and self._uses(file, _COMPUTED_FIRST):
            self._compute(_COMPUTED_FIRST, file)
        views = self._with_searched(file) if file.is_of_two_runs else self.views(file)
        return views.statement(file.sql, file.references)

    def _compute(self, name: str, file: SqlFile) -> None:
        """Compute the rows of a view, from the files that answer `file`; what reads the view reads them from now on."""
        rows = f"rows_of_{name}"
        self.database.materialise(rows, self.views(file).statement(f"select * from {name}", {name}))
        self.computed[name] = SqlFile(name, f"select * from {rows}")

    def _with_searched(self, file: SqlFile) -> Views:
        """Return the views over all files of a table with drift that is newer than the lake's first run."""
        self._compute("drift_in_run", file)
        views = self.views(file)
        searched = [row["object"] for row in self._rows(SEARCHED, views)]
        return replace(views, find_files=files_for(file, self.lake, self.run, searched))

    def _rows(self, file: SqlFile, views: Views) -> list[dict[str, Any]]:
        return self.database.rows(views.statement(file.sql, file.references))

    def _answer(self, statement: str, parameters: Mapping[str, object] | None, names: frozenset[str]) -> Answer:
        """Return the rows of a statement that uses these names, with what to know of them."""
        return Answer(self.database.table(statement, parameters), **self._provenance(names))

    def _provenance(self, names: frozenset[str]) -> dict[str, Any]:
        """Return what to know of rows for which these names were used, as the fields of `Provenance`."""
        others = other_installations(self.lake.manifest, self.run)
        notes = (others,) if others and self._without_files.needs(SELECTED_RUN, names) else ()
        carried = None if CARRIED_TABLES.isdisjoint(self._without_files.tables(names)) else self._carried
        return {"run": self.run, "missing": self._gaps, "carried": carried, "fresh": self.fresh, "notes": notes}

    @cached_property
    def _gaps(self) -> tuple[Gap, ...]:
        if self.run is None or self.run.status == "complete":
            return ()
        rows = self._rows(GAPS, self.views(GAPS))
        return tuple(Gap(row["level"], row["coverage"], row["things"]) for row in rows)

    @cached_property
    def _carried(self) -> Carried | None:
        """What was carried into the run."""
        if self.run is None:
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

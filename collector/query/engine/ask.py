"""A question answered by another engine: the same views and SQL, over the same live files, read by the engine itself.

Everything is translated before anything is sent, so that what cannot run there is refused before it starts. A recursion
is the one part that is done here: Spark's dialects have none that is common to all. What it needs is computed by the
engine and fetched, and DuckDB goes on from there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from collector.errors import QueryError
from collector.lake import parquet
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.shared_columns import KEY_NAMES
from collector.lake.sql_text import read_parquet
from collector.lake.tables import ACTIONS, PROMOTE_IMAGE_ACTIONS, TABLES
from collector.query.answer import Answer, Gap
from collector.query.carried import CARRIED_TABLES, Carried
from collector.query.engine.spark import SAME_FILES, SparkServer, connected
from collector.query.engine.translate import Recursion, is_recursive, split_recursion, translate
from collector.query.other_installations import other_installations
from collector.query.questions import Question, Questions
from collector.query.reader import select_run
from collector.query.session import GAPS
from collector.query.sql_files import identifiers, in_order, sql_folder
from collector.query.views import SELECTED_RUN, live_entries, runs_read, selected_run_view, view_sources

# Views whose rows the engine computes once: each step of theirs builds on the one before, and an engine that writes the
# steps out in full would write some of them thousands of times.
MATERIALISED: Final = frozenset(
    ("image_references", "selected_references", "selected_environments", "executed_references", "executed_environments",
     "directed_elements", "selected_promotions")
)  # fmt: skip


# What was carried into the selected run, as `carried_into` finds it.
_CARRIED: Final = f"""
select count(*) as promotions, min(promote_image_actions.fetched_at) as oldest_read_at
from promote_image_actions
semi join (select * from actions where coverage = 'carried') as listed
    using (run_id, installation, {", ".join(KEY_NAMES)})
where run_id in (select run_id from selected_run)
"""


@dataclass
class EnginePlan:
    """A question in the engine's SQL: the views that it needs there, in order, and what is done here, in order."""

    question: Question
    tables: list[str]
    views: dict[str, str]
    answer: str | None
    gaps: str | None = None
    carried: str | None = None
    here: dict[str, Recursion] = field(default_factory=dict)
    of_one_run: bool = True

    @property
    def fetched(self) -> list[str]:
        """The relations whose rows come to this machine before the answer is made here."""
        return sorted({name for recursion in self.here.values() for name in recursion.inputs})


def plan(question: Question, run: RunEntry | None) -> EnginePlan:
    """Translate a question and everything that it needs. Raises QueryError for what the engine cannot do."""
    has_gaps = run is not None and run.status != "complete"
    sources = view_sources()
    used = identifiers(question.sql) | (GAPS.references if has_gaps else set())
    views = {SELECTED_RUN: translate(SELECTED_RUN, selected_run_view(run))}
    here: dict[str, Recursion] = {}
    for source in [*in_order(sources, used), question]:
        if source.references & here.keys() or is_recursive(source.name, source.sql):
            here[source.name] = split_recursion(source.name, source.sql, here, partial(relation_of, source.name))
        elif source is not question:
            views[source.name] = translate(source.name, source.sql)
    answer = None if question.name in here else translate(question.name, question.sql)
    gaps = translate("the gaps of the run", GAPS.sql) if has_gaps else None
    words = used.union(*(source.references for source in in_order(sources, used)))
    carried = None
    if not CARRIED_TABLES.isdisjoint(words):
        carried, words = translate("what was carried", _CARRIED), words | {ACTIONS.name, PROMOTE_IMAGE_ACTIONS.name}
    tables = [name for name in TABLES if name in words]
    return EnginePlan(question, tables, views, answer, gaps, carried, here, of_one_run=SELECTED_RUN in words)


def ask_engine(
    lake: Lake,
    address: str,
    name: str,
    parameters: Mapping[str, object],
    *,
    run: str = "latest",
    say: Callable[[str], object] = str,
) -> Answer:
    """Answer a question by the Spark Connect server at `address`, and `say` what is not done there.

    Raises QueryError for an unknown question, parameter or run, for a question that cannot run there, and for what the
    server refuses; UsageError when there is no such server.
    """
    question = Questions(sql_folder())[name]
    bound = question.bind(parameters)
    selected = select_run(lake.manifest.runs, run)
    planned = plan(question, selected)
    if planned.fetched:
        say(
            f"{name} needs a recursion, which engines do not have in common: the rows of "
            f"{', '.join(planned.fetched)} are computed there and fetched, and DuckDB answers from them here."
        )
    runs = runs_read(question, lake, selected) if selected else ()
    with connected(address) as server:
        return EngineSession(server, lake, selected, runs, question.tables_of_all_runs).answer(planned, bound)


@dataclass
class EngineSession:
    """A server's session over the live files of a lake.

    Of tables other than `tables_of_all_runs` (None means every table) only the files that hold one of `runs` are read.
    """

    server: SparkServer
    lake: Lake
    run: RunEntry | None
    runs: Collection[str] = ()
    tables_of_all_runs: Collection[str] | None = None
    defined: set[str] = field(default_factory=set)

    def answer(self, planned: EnginePlan, bound: Mapping[str, object]) -> Answer:
        """Define what the plan needs and is not defined yet, and return the answer."""
        self._define_tables(planned.tables)
        for name, select in planned.views.items():
            if name not in self.defined:
                (self.server.materialise if name in MATERIALISED else self.server.define)(name, select)
                self.defined.add(name)
        gaps = self.server.rows(planned.gaps).to_pylist() if planned.gaps else []
        rows = (
            self._finished_here(planned, bound) if planned.answer is None else self.server.rows(planned.answer, bound)
        )
        missing = tuple(Gap(row["level"], row["coverage"], row["things"]) for row in gaps)
        others = other_installations(self.lake.manifest, self.run) if planned.of_one_run else None
        notes = (others,) if others else ()
        return Answer(rows, run=self.run, missing=missing, carried=self._carried(planned), notes=notes)

    def _carried(self, planned: EnginePlan) -> Carried | None:
        if planned.carried is None or self.run is None:
            return None
        (found,) = self.server.rows(planned.carried).to_pylist()
        if not found["promotions"]:
            return None
        return Carried(found["promotions"], found["oldest_read_at"].replace(tzinfo=UTC))

    def _define_tables(self, names: Collection[str]) -> None:
        """Make the tables views over their live files, and require that the server sees every row of these.

        A server may take a file that it does not find for an empty one, and an answer without rows would be believed.
        """
        expected: dict[str, int] = {}
        new = [name for name in names if name not in self.defined]
        for name, entries in live_entries(self.lake, new, self.runs, self.tables_of_all_runs).items():
            # As the server finds them: a path, or an address in object storage, from where nothing is fetched here.
            files = [f"{self.lake.storage.where}/{entry.path}" for entry in entries]
            self.server.define_table(TABLES[name], files)
            expected[name] = sum(entry.rows for entry in entries)
        if expected:
            counts = " union all ".join(
                f"select '{name}' as name, count(*) as row_count from {name}" for name in expected
            )
            seen = {row["name"]: row["row_count"] for row in self.server.rows(counts).to_pylist()}
            if seen != expected:
                missing = min(name for name in expected if seen.get(name) != expected[name])
                raise QueryError(
                    f"the engine sees {seen.get(missing, 0):,} rows of {missing} where the lake has "
                    f"{expected[missing]:,}",
                    advice=SAME_FILES,
                )
        self.defined.update(expected)

    def _finished_here(self, planned: EnginePlan, bound: Mapping[str, object]) -> pa.Table:
        """Fetch what the recursion needs, and let DuckDB answer from it."""
        with tempfile.TemporaryDirectory(prefix="collector-") as temporary, ExitStack() as stack:
            folder = Path(temporary)
            database = stack.enter_context(Database([folder], folder / "spill"))
            for source, recursion in planned.here.items():
                for number, (name, select) in enumerate(recursion.inputs.items()):
                    rows = self.server.rows(select, {key: bound[key] for key in bound if f":{key}" in select})
                    path = folder / f"{source}-{number}.parquet"
                    with path.open("wb") as sink:
                        parquet.write_answer(rows.schema, rows.to_batches(), sink)
                    database.define(relation_of(source, name), f"from {read_parquet([path])}")
                if source != planned.question.name:
                    database.define(source, recursion.rest)
            return database.table(planned.here[planned.question.name].rest, bound)


def relation_of(source: str, name: str) -> str:
    """Return the name, here, of the rows that were fetched as `name` for a view or question `source`."""
    return f"{source} {name}"

"""6. Long lake: a year of runs, before and after `compact`, compared with simple files."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

import collector
from collector.crawl.journal import FILE_NAME, FORMAT, Header, Journal
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.projection import RunKey
from collector.lake.publish import publish
from collector.lake.sizes import table_sizes
from collector.lake.staging import Staging
from collector.lake.state_tables import ACTION_STATE
from collector.lake.tables import SNAPSHOTS
from collector.query.changes import StagedRun
from collector.run.finalize import FinishedCrawl, finalize
from collector.run.reply_processor import ReplyProcessor
from collector.settings.declarations import Settings
from tests.action_states import action_states
from tests.bench.clients.replay import BUDDY
from tests.bench.generated_runs import GeneratedRun, generated_runs, last_known
from tests.bench.measure import Spread, spread
from tests.bench.naive import NaiveFiles
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
{runs} generated runs of {actions:,} promote-image actions (tests/bench/generated_runs.py: 2% were executed, one in a
thousand has changed), published by the lake's own code. The timed runs go through finalize: checks, changes, publish,
catalog. The questions are asked in this process with `collector.open_lake(…).ask(…)`, which opens a new database
each time."""
_NAIVE = """\
Simple files, for {runs} of the runs only; their cost grows with the runs. *JSON lines*: one file of complete rows per
run, read by DuckDB. *Window*: one Parquet file of promote_image_actions per run, and the changes by `lag(…)`."""
# The number of timed runs, up to the tenth and up to the last one.
_TIMED = 5
_EARLY = 10
_QUESTIONS: dict[str, dict[str, object]] = {
    "what_changed": {"aspect": ""},
    "history_of_action": {"action_id": 0},
    "promotions": {},
    "failing_promotions": {},
    "coverage_last_night": {},
}


def bench(scale: Scale) -> Section:
    """Build the lake, time some runs, ask, compact, and ask again."""
    with TemporaryDirectory(prefix="bench-lake-") as folder:
        built = _Built(Path(folder), scale)
        built.build()
        early, late = spread(built.early), spread(built.late)
        growth = late.median / early.median
        computed = _timed(scale.runs, built.compute_changes)
        before = _ask_all(built, scale.runs)
        bytes_before, of_actions_before = built.bytes_per_action()
        compacting = built.compact()
        after = _ask_all(built, scale.runs)
        bytes_after, of_actions_after = built.bytes_per_action()
        naive = built.naive.measured(scale.runs)
    finalizing = Table(
        ("finalize", "s"),
        [
            (f"run {_EARLY}", f"{early:.2f}"),
            (f"run {scale.lake_runs}", f"{late:.2f}"),
            ("of it, the changes", f"{computed:.2f}"),
            ("compact, all months", f"{compacting:.1f}"),
        ],
    )
    asked = Table(
        ("question", "before compact, s", "after, s"),
        [(f"`ask {name}`", f"{before[name]:.3f}", f"{after[name]:.3f}") for name in _QUESTIONS],
    )
    size = Table(
        ("bytes per action and run", "before compact", "after"),
        [
            ("promote_image_actions", f"{of_actions_before:.2f}", f"{of_actions_after:.2f}"),
            ("all tables", f"{bytes_before:.2f}", f"{bytes_after:.2f}"),
        ],
    )
    slowest = {name: max(before[name].median, after[name].median) for name in ("what_changed", "history_of_action")}
    goals = [
        Goal(f"finalize of run {scale.lake_runs}, relative to run {_EARLY}", "≤ 1.5", f"{growth:.2f}", growth <= 1.5),
        Goal(f"finalize of run {scale.lake_runs}", "≤ 2 s", f"{late.median:.1f} s", late.median <= 2),
        Goal("compact, all months", "≤ 120 s", f"{compacting:.0f} s", compacting <= 120),
        *(
            Goal(f"`ask {name}`, {scale.lake_runs} runs", "< 0.5 s", f"{s:.2f} s", s < 0.5)
            for name, s in slowest.items()
        ),
    ]
    text = _TEXT.format(runs=scale.lake_runs, actions=scale.actions_per_run)
    text += "\n\n" + _NAIVE.format(runs=scale.naive_runs)
    return Section("6. Long lake", text, [finalizing, asked, size, naive], goals)


class _Built:
    """The growing lake."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder = folder
        self.scale = scale
        self.lake = Lake.create(folder / "lake")
        self.naive = NaiveFiles(folder / "naive")
        self.early: list[float] = []
        self.late: list[float] = []
        self._state: pa.Table | None = None

    def build(self) -> None:
        """Publish every run; finalize the timed ones."""
        scale = self.scale
        timed = min(_TIMED, scale.runs)
        early = range(_EARLY - timed + 1, _EARLY + 1)
        late = range(scale.lake_runs - timed + 1, scale.lake_runs + 1)
        first: GeneratedRun | None = None
        for generated in generated_runs(scale.lake_runs, scale.actions_per_run):
            first = first or generated
            if generated.number == 1:
                self._finalize(generated)
                self._state = self._read_state()
            elif generated.number in early:
                self.early.append(self._finalize(generated))
            elif generated.number in late:
                self.late.append(self._finalize(generated))
            else:
                self._publish(generated, first, snapshot=generated.number + 1 in (early.start, late.start))
            if generated.number > scale.lake_runs - scale.naive_runs:
                self.naive.add(generated)

    def _finalize(self, generated: GeneratedRun) -> float:
        """Finalize a run whose rows are in staging; return the seconds."""
        run = generated.run
        with self.lake.writing("collect", run.finished_at):
            directory = self.lake.runs.create(run.run_id)
            staging = Staging(self.lake.runs.staging(run.run_id))
            rows = {
                name: list(zip(*(column.to_pylist() for column in table.columns), strict=True))
                for name, table in generated.tables.items()
                if name not in ("action_changes", "runs")
            }
            staging.append_all(rows | {ACTION_STATE.name: action_states(rows)})
            settings = Settings(installations=(BUDDY,), lake=self.lake.path)
            header = Header(FORMAT, run.run_id, run.started_at, settings.fingerprint())
            run_key = RunKey(run.run_id, run.run_date)
            with Journal.create(directory / FILE_NAME, header) as journal:
                processor = ReplyProcessor(run_key, [BUDDY], journal, staging)
            processor.frontiers[BUDDY.name].workspaces_listed = True
            began = time.perf_counter()
            finalize(FinishedCrawl(settings, self.lake, header, processor, staging), lambda: run.finished_at)
            return time.perf_counter() - began

    def _publish(self, generated: GeneratedRun, first: GeneratedRun, *, snapshot: bool) -> None:
        tables = dict(generated.tables)
        if snapshot:
            assert self._state is not None
            tables["last_known_actions"] = last_known(generated, first.run)
            index = self._state.schema.get_field_index("last_seen_run_id")
            seen = pa.array([generated.run.run_id] * len(self._state))
            tables[ACTION_STATE.name] = self._state.set_column(index, "last_seen_run_id", seen)
        with self.lake.writing("collect", generated.run.finished_at):
            batches = {name: table.to_batches() for name, table in tables.items()}
            publish(self.lake, generated.run, batches, now=generated.run.finished_at)

    def _read_state(self) -> pa.Table:
        with duckdb.connect() as connection:
            paths = [str(path) for path, _ in self.lake.files(ACTION_STATE.name)]
            return connection.sql(f"from read_parquet({paths}, hive_partitioning = false)").to_arrow_table()

    def compute_changes(self) -> None:
        """Compute the changes of the last run, as finalize does."""
        run = self.lake.manifest.runs[-1]
        staged = {
            name: [self.lake.path / entry.path for entry in entries if run.run_id in entry.runs]
            for name, entries in self.lake.manifest.tables.items()
            if name not in SNAPSHOTS
        }
        previous = {name: [path for path, _ in self.lake.files(name)] for name in SNAPSHOTS}
        staged[ACTION_STATE.name] = previous[ACTION_STATE.name]
        with StagedRun(
            staged,
            previous,
            run_id=run.run_id,
            run_date=run.run_date,
            listed_installations=[BUDDY.name],
            spill=self.folder / "spill",
        ) as staged_run:
            staged_run.compute_changes()
            staged_run.run_changes()

    def compact(self) -> float:
        """Merge all months, including the last one; return the seconds."""
        now = self.lake.manifest.runs[-1].finished_at + timedelta(days=1)
        with self.lake.writing("compact", now):
            began = time.perf_counter()
            compact(self.lake, now=now, current_month=True)
            return time.perf_counter() - began

    def bytes_per_action(self) -> tuple[float, float]:
        """Return the bytes of all live files and of promote_image_actions, per action and run."""
        sizes = table_sizes(self.lake.manifest)
        rows = sizes["promote_image_actions"].rows
        return sum(size.bytes for size in sizes.values()) / rows, sizes["promote_image_actions"].bytes / rows

    def ask(self, question: str) -> None:
        """Ask one question."""
        parameters = dict(_QUESTIONS[question])
        if "action_id" in parameters:
            parameters["action_id"] = self.naive.example_action
        collector.open_lake(self.lake.path).ask_with(question, parameters)


def _ask_all(built: _Built, runs: int) -> dict[str, Spread]:
    built.ask("what_changed")  # imports are not part of a question's time
    return {name: _timed(runs, partial(built.ask, name)) for name in _QUESTIONS}


def _timed(runs: int, work: Callable[[], object]) -> Spread:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return spread(seconds)

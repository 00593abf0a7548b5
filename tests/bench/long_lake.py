"""6. The long lake: a year of nights, before and after `compact`, beside naive ways of keeping them."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

import collector
from collector.crawl.journal import FORMAT, Header
from collector.lake.compact import compact
from collector.lake.flatten import RunKey
from collector.lake.lake import Lake
from collector.lake.publish import publish
from collector.lake.staging import Staging
from collector.lake.tables import ACTION_STATE, SNAPSHOTS
from collector.query.changes import StagedRun
from collector.run.finalize import FinishedCrawl, finalize
from collector.run.reply_processor import ReplyProcessor
from collector.settings.loading import Settings
from tests.bench.clients.replay import BUDDY
from tests.bench.generated_nights import GeneratedNight, last_known, nights
from tests.bench.measure import Spread, spread
from tests.bench.naive import NaiveNights
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_SAID = """\
{nights} nights of {actions:,} promote-image actions, generated (tests/bench/generated_nights.py says what changes: 2% of the
actions have run, one in a thousand is edited), each published through the lake's own code. The nights that are timed go
through the whole closing of a run: checks, changes, publish, catalog. Questions are asked in this process, a new database
each time, as `collector.open_lake(…).ask(…)` does."""
_NAIVE = """\
Naive ways, over {nights} of the nights only; their cost grows with the nights kept. *JSON lines*: one file a night of
whole rows, read by DuckDB. *Window*: nightly Parquet of promote_image_actions, and what changed by `lag(…)` over it."""
# The nights that are timed: up to the tenth, and up to the last.
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
    """Build the lake, time its ends, ask it, compact it, ask again."""
    with TemporaryDirectory(prefix="bench-lake-") as folder:
        built = _Built(Path(folder), scale)
        built.build()
        early, late = spread(built.early), spread(built.late)
        growth = late.median / early.median
        computed = _timed(scale.runs, built.compute_changes)
        before = _ask_all(built, scale.runs)
        bytes_before, of_actions_before = built.bytes_per_action_night()
        compacting = built.compact()
        after = _ask_all(built, scale.runs)
        bytes_after, of_actions_after = built.bytes_per_action_night()
        naive = built.naive.measured(scale.runs)
    closing = Table(
        ("closing a night", "s"),
        [
            (f"night {_EARLY}", f"{early:.2f}"),
            (f"night {scale.nights}", f"{late:.2f}"),
            ("of it, what changed", f"{computed:.2f}"),
            ("compact, the whole year", f"{compacting:.1f}"),
        ],
    )
    asked = Table(
        ("question", "before compact, s", "after, s"),
        [(f"`ask {name}`", f"{before[name]:.3f}", f"{after[name]:.3f}") for name in _QUESTIONS],
    )
    size = Table(
        ("bytes per action and night", "before compact", "after"),
        [
            ("promote_image_actions", f"{of_actions_before:.2f}", f"{of_actions_after:.2f}"),
            ("all tables", f"{bytes_before:.2f}", f"{bytes_after:.2f}"),
        ],
    )
    slowest = {name: max(before[name].median, after[name].median) for name in ("what_changed", "history_of_action")}
    goals = [
        Goal(f"closing night {scale.nights}, of night {_EARLY}", "≤ 1.5", f"{growth:.2f}", growth <= 1.5),
        *(
            Goal(f"`ask {name}`, {scale.nights} nights", "< 0.5 s", f"{s:.2f} s", s < 0.5)
            for name, s in slowest.items()
        ),
        Goal("bytes per action-night after compact, actions", "≤ 2", f"{of_actions_after:.2f}", of_actions_after <= 2),
        Goal("bytes per action-night after compact, all tables", "≤ 2", f"{bytes_after:.2f}", bytes_after <= 2),
    ]
    said = _SAID.format(nights=scale.nights, actions=scale.actions_a_night)
    said += "\n\n" + _NAIVE.format(nights=scale.naive_nights)
    return Section("6. The long lake", said, [closing, asked, size, naive], goals)


class _Built:
    """The lake while it grows."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder = folder
        self.scale = scale
        self.lake = Lake.create(folder / "lake")
        self.naive = NaiveNights(folder / "naive")
        self.early: list[float] = []
        self.late: list[float] = []
        self._state: pa.Table | None = None

    def build(self) -> None:
        """Publish every night; the timed ones as a run would."""
        scale = self.scale
        timed = min(_TIMED, scale.runs)
        early = range(_EARLY - timed + 1, _EARLY + 1)
        late = range(scale.nights - timed + 1, scale.nights + 1)
        first: GeneratedNight | None = None
        for night in nights(scale.nights, scale.actions_a_night):
            first = first or night
            if night.number == 1:
                self._close(night)
                self._state = self._read_state()
            elif night.number in early:
                self.early.append(self._close(night))
            elif night.number in late:
                self.late.append(self._close(night))
            else:
                self._publish(night, first, snapshot=night.number + 1 in (early.start, late.start))
            if night.number > scale.nights - scale.naive_nights:
                self.naive.add(night)

    def _close(self, night: GeneratedNight) -> float:
        """End a run whose rows are in staging, and return the seconds it took."""
        run = night.run
        with self.lake.writing("collect", run.finished_at):
            directory = self.lake.runs.create(run.run_id)
            staging = Staging(self.lake.runs.staging(run.run_id))
            for name, table in night.tables.items():
                if name not in ("action_changes", "runs"):
                    staging.append(name, list(zip(*(column.to_pylist() for column in table.columns), strict=True)))
            gathering = ReplyProcessor(RunKey(run.run_id, run.run_date), [BUDDY])
            gathering.frontiers[BUDDY.name].workspaces_listed = True
            settings = Settings(installations=(BUDDY,), lake=self.lake.path)
            header = Header(FORMAT, run.run_id, run.started_at, settings.fingerprint())
            began = time.perf_counter()
            finalize(
                FinishedCrawl(settings, self.lake, directory, gathering.stamp, header, gathering, staging),
                lambda: run.finished_at,
            )
            return time.perf_counter() - began

    def _publish(self, night: GeneratedNight, first: GeneratedNight, *, snapshot: bool) -> None:
        tables = dict(night.tables)
        if snapshot:
            assert self._state is not None
            tables["last_known_actions"] = last_known(night, first.run)
            place = self._state.schema.get_field_index("last_seen_run_id")
            seen = pa.array([night.run.run_id] * len(self._state))
            tables[ACTION_STATE.name] = self._state.set_column(place, "last_seen_run_id", seen)
        with self.lake.writing("collect", night.run.finished_at):
            batches = {name: table.to_batches() for name, table in tables.items()}
            publish(self.lake, night.run, batches, now=night.run.finished_at)

    def _read_state(self) -> pa.Table:
        with duckdb.connect() as connection:
            paths = [str(path) for path, _ in self.lake.files(ACTION_STATE.name)]
            return connection.sql(f"from read_parquet({paths}, hive_partitioning = false)").to_arrow_table()

    def compute_changes(self) -> None:
        """Compute what changed on the last night against what was known, as its closing did."""
        run = self.lake.manifest.runs[-1]
        staged = {
            name: [self.lake.storage.locate(entry.path) for entry in entries if run.run_id in entry.runs]
            for name, entries in self.lake.manifest.tables.items()
            if name not in SNAPSHOTS
        }
        previous = {name: [path for path, _ in self.lake.files(name)] for name in (*SNAPSHOTS, "runs")}
        with StagedRun(
            staged,
            previous,
            run_id=run.run_id,
            run_date=run.run_date,
            listed_installations=[BUDDY.name],
            spill=self.folder / "spill",
        ) as night:
            night.change_counts()

    def compact(self) -> float:
        """Merge every month, also the last, and return the seconds it took."""
        now = self.lake.manifest.runs[-1].finished_at + timedelta(days=1)
        with self.lake.writing("compact", now):
            began = time.perf_counter()
            compact(self.lake, now=now, current_month=True)
            return time.perf_counter() - began

    def bytes_per_action_night(self) -> tuple[float, float]:
        """Return the bytes of all live files and those of promote_image_actions, per action and night."""
        sizes = self.lake.sizes()
        rows = sizes["promote_image_actions"].rows
        return sum(size.bytes for size in sizes.values()) / rows, sizes["promote_image_actions"].bytes / rows

    def ask(self, question: str) -> None:
        """Ask one question of the lake as it stands."""
        parameters = dict(_QUESTIONS[question])
        if "action_id" in parameters:
            parameters["action_id"] = self.naive.an_action
        collector.open_lake(self.lake.path).ask_with(question, parameters)


def _ask_all(built: _Built, runs: int) -> dict[str, Spread]:
    built.ask("what_changed")  # imports are start-up's, not the question's
    return {name: _timed(runs, partial(built.ask, name)) for name in _QUESTIONS}


def _timed(runs: int, work: Callable[[], object]) -> Spread:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return spread(seconds)

"""A lake of 1,000 runs of 100,000 promotions, and what questions cost on it; docs/scaling.md has the result.

`python -m tests.bench.large_lake build FOLDER`, then `… ask FOLDER ENGINE…`, where an engine is `duckdb` or the address
of a Spark Connect server.

To crawl it would take half a day. Its rows are those of one run, repeated: in every run 1% of the promotions have
another status and revision, one in a thousand has another tag, and 1,000 executions are new. Months are written as
`compact` leaves them and the last 30 runs as `collect` does, by the lake's own functions.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from collector.lake import parquet
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.merge import merged_order
from collector.lake.publish import publish, write_file
from collector.lake.shared_columns import KEY_NAMES
from collector.lake.tables import ACTION_CHANGES, ALL, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, SNAPSHOTS
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder
from tests.bench.generated_executions import GeneratedExecutions
from tests.bench.generated_runs import generated_runs, run_of, run_row
from tests.bench.measure import python
from tests.bench.questions import command
from tests.bench.report import Table

RUNS, ACTIONS, EXECUTIONS, UNMERGED = 1_000, 100_000, 1_000, 30
RAN_SHARE, EDITED_SHARE = 0.01, 0.001
_LAST_START = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
_SLICE_ROWS = 240_000
_IMAGE_NAME = re.compile(r"^(?:[^/]*/)*[^/:@$]+")
_KEY = ("installation", *KEY_NAMES)
# Those of one run, those of all executions, and those that read all runs.
QUESTIONS = (
    "promotions_by_registry", "cross_registry", "path_of_image", "in_production", "what_changed", "history_of_action",
    "failing_promotions", "nights",
)  # fmt: skip


class GeneratedHistory:
    """The rows of run after run; `advance` goes on to the next."""

    def __init__(self, actions: int, executions: int, seed: int = 1) -> None:
        (start,) = generated_runs(1, actions, executions=1)
        own = {"runs", "action_changes", "executions", "action_executions"} | SNAPSHOTS
        self.repeated = {name: rows for name, rows in start.tables.items() if name not in own}
        self.actions = self.repeated[PROMOTE_IMAGE_ACTIONS.name] = _with_own_images(start.tables)
        self._executions = GeneratedExecutions(executions, seed)
        self._random = np.random.default_rng(seed)
        self._previous: RunEntry | None = None
        # Of each column that changes: every value that it had, and which of them each row has now.
        names = ("last_execution_status", "current_revision", "dest_tag")
        self.values = {name: self.actions[name].to_pylist() for name in names}
        self.now = dict.fromkeys(names, np.arange(len(self.actions), dtype=np.int32))

    def advance(self, run: RunEntry) -> dict[str, pa.Table]:
        """Change some values; return the rows that this run alone has."""
        rows = len(self.actions)
        ran, edited = (
            np.sort(self._random.choice(rows, max(1, int(rows * share)), replace=False))
            for share in (RAN_SHARE, EDITED_SHARE)
        )
        hashes = self._random.bytes(20 * len(ran)).hex()
        changes = [] if self._previous else [self._changes(run, np.arange(rows), "added", None, None, None)]
        for name, places, new in (
            ("last_execution_status", ran, np.where(self._random.random(len(ran)) < 0.25, "FAILED", "SUCCESSFUL")),
            ("current_revision", ran, [hashes[at : at + 40] for at in range(0, len(hashes), 40)]),
            ("dest_tag", edited, [f"v{number}.0" for number in self._random.integers(0, 100, len(edited))]),
        ):  # fmt: skip
            values, before = self.values[name], [self.values[name][code] for code in self.now[name][places]]
            after = self.now[name].copy()
            after[places] = np.arange(len(values), len(values) + len(places))
            values += map(str, new)
            if self._previous:
                self.now[name] = after
                differ = np.array([old != value for old, value in zip(before, values[-len(places) :], strict=True)])
                old, changed = (pa.array(each).filter(pa.array(differ)) for each in (before, values[-len(places) :]))
                changes.append(self._changes(run, places[differ], "changed", name, old, changed))
        self._previous = run
        in_order = pa.concat_tables(changes).sort_by([(name, "ascending") for name in ACTION_CHANGES.key])
        return {"runs": run_row(run), "action_changes": in_order, **self._executions.of_run(run, self.actions)}

    def _changes(
        self, run: RunEntry, places: np.ndarray, change: str, column: str | None, old: object, new: object
    ) -> pa.Table:
        keys = self.actions.select(_KEY).take(places)
        same = {
            "run_id": run.run_id, "run_date": run.run_date, "change": change, "column_name": column,
            "aspect": "configuration" if column in (None, "dest_tag") else "execution",
            "previous_run_id": self._previous.run_id if self._previous else None,
        }  # fmt: skip
        made = {"old_value": old, "new_value": new, **{name: keys[name] for name in _KEY}}
        columns = [
            made[field.name] if made.get(field.name) is not None
            else pa.repeat(pa.scalar(same.get(field.name), field.type), len(places))
            for field in ACTION_CHANGES.schema
        ]  # fmt: skip
        return pa.Table.from_arrays(columns, schema=ACTION_CHANGES.schema)


def _with_own_images(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Return the promotions with images of each pipeline: the world has a few names, and so paths without end."""
    rows = tables[PROMOTE_IMAGE_ACTIONS.name]
    pipelines = rows["pipeline_id"].to_pylist()
    for name in ("src_image", "dest_image"):
        images = [
            image and _IMAGE_NAME.sub(rf"\g<0>-{pipeline}", image, count=1)
            for image, pipeline in zip(rows[name].to_pylist(), pipelines, strict=True)
        ]
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), [images])
    return rows


def of_runs(
    rows: pa.Table, runs: Sequence[RunEntry], values: Mapping[str, tuple[pa.Array, np.ndarray]]
) -> Iterator[pa.RecordBatch]:
    """Yield each row once for every run, by its place and then by run.

    `values` are those of columns that change: all that there are, and for each run and row which of them it has.
    """
    starts = np.array([np.datetime64(run.started_at.replace(tzinfo=None), "us") for run in runs])
    ids, dates = (pa.array([getattr(run, name) for run in runs]) for name in ("run_id", "run_date"))
    for begin in range(0, len(rows), step := max(1, _SLICE_ROWS // len(runs))):
        count = min(step, len(rows) - begin)
        places, nights = np.repeat(np.arange(begin, begin + count), len(runs)), np.tile(np.arange(len(runs)), count)
        own = {"run_id": ids.take(nights), "run_date": dates.take(nights)}
        if "fetched_at" in rows.column_names:
            own["fetched_at"] = pa.array(starts[nights] + (places // 25).astype("timedelta64[s]"))
        own |= {name: pool.take(codes[nights, places]) for name, (pool, codes) in values.items()}
        found = rows.take(places)
        for name, column in own.items():
            index = found.schema.get_field_index(name)
            found = found.set_column(index, found.schema.field(index), column.cast(found.schema.field(index).type))
        yield from found.combine_chunks().to_batches()


def build(folder: Path, count: int = RUNS, actions: int = ACTIONS, executions: int = EXECUTIONS) -> None:
    """Write the lake, month by month and then run by run."""
    lake, history = Lake.create(folder), GeneratedHistory(actions, executions)
    runs = [run_of(number, _LAST_START - timedelta(days=count - 1)) for number in range(1, count + 1)]
    with lake.writing("build", runs[-1].finished_at):
        for month, of_month in groupby(runs[:-UNMERGED], key=lambda run: f"{run.run_date:%Y-%m}"):
            _write_month(lake, history, month, list(of_month))
            sys.stderr.write(f"{month}\n")
        for run in runs[-UNMERGED:]:
            own = {name: rows.to_batches() for name, rows in history.advance(run).items()}
            tables = own | _repeated(history, [run], [history.now.copy()])
            if run is runs[-1]:
                tables[LAST_KNOWN_ACTIONS.name] = _last_known(history, runs)
            publish(lake, run, tables, now=run.finished_at)


def _write_month(lake: Lake, history: GeneratedHistory, month: str, runs: list[RunEntry]) -> None:
    own: dict[str, list[pa.Table]] = {}
    states = []
    for run in runs:
        for name, rows in history.advance(run).items():
            own.setdefault(name, []).append(rows)
        states.append(history.now.copy())
    tables = _repeated(history, runs, states)
    for name, parts in own.items():
        order = [(column, "ascending") for column in merged_order(ALL[name])]
        tables[name] = iter(pa.concat_tables(parts).sort_by(order).to_batches(max_chunksize=_SLICE_ROWS))
    live = dict(lake.manifest.tables)
    for name, rows in tables.items():
        ids = [run.run_id for run in runs]
        entry = write_file(
            lake, ALL[name], month, ids, rows, order=merged_order(ALL[name]), tuning=parquet.COMPACT,
            sequence=lake.manifest.sequence + 1,
        )  # fmt: skip
        if entry is not None:
            live[name] = [*live.get(name, []), entry]
    changed = msgspec.structs.replace(lake.manifest, runs=[*lake.manifest.runs, *runs], tables=live)
    lake.commit(changed, runs[-1].finished_at)


def _repeated(
    history: GeneratedHistory, runs: Sequence[RunEntry], states: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Iterator[pa.RecordBatch]]:
    """Return the tables whose rows every run has; `states` are the values that change, run by run."""
    values = {
        name: (pa.array(pool), np.stack([state[name] for state in states])) for name, pool in history.values.items()
    }
    return {
        name: of_runs(rows, runs, values if rows is history.actions else {}) for name, rows in history.repeated.items()
    }


def _last_known(history: GeneratedHistory, runs: Sequence[RunEntry]) -> list[pa.RecordBatch]:
    batches = _repeated(history, runs[-1:], [history.now])[PROMOTE_IMAGE_ACTIONS.name]
    rows = pa.Table.from_batches(batches)
    for name, run in (("first_seen_run_id", runs[0]), ("last_seen_run_id", runs[-1])):
        rows = rows.append_column(name, pa.repeat(run.run_id, len(rows)))
    rows = rows.select(LAST_KNOWN_ACTIONS.column_names).cast(LAST_KNOWN_ACTIONS.schema)
    return list(rows.to_batches())


def ask(folder: Path, engines: Sequence[str], names: Sequence[str]) -> Table:
    """Ask each question of each engine, in a process of its own; say what the process has cost."""
    (entry,) = Lake.open(folder).entries(LAST_KNOWN_ACTIONS.name)
    promotion = parquet.read_rows(folder / entry.path, ["action_id", "dest_image", "src_image"])[0]
    questions, rows = Questions(sql_folder()), []
    for name in names:
        words = [*command(questions[name], promotion), "--lake", str(folder), "-o", str(folder.parent / "answer.jsonl")]
        for engine in engines:
            found = python("-m", "tests.bench.clients.ask", *words, *_of(engine))
            lines = (folder.parent / "answer.jsonl").read_bytes().count(b"\n")
            rows.append(
                (
                    f"`{name}`",
                    engine,
                    f"{lines:,}",
                    f"{found.wall_s:.1f}",
                    f"{found.cpu_s:.1f}",
                    f"{found.peak_mib:.0f}",
                )
            )
            sys.stderr.write(f"{rows[-1]}\n")
    return Table(("question", "engine", "rows", "s", "CPU s, here", "peak MiB, here"), rows)


def _of(engine: str) -> list[str]:
    return [] if engine == "duckdb" else ["--engine", engine]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a lake, or ask one."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.large_lake", description="Measure a large lake.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("folder", type=Path)
    building.add_argument("--runs", type=int, default=RUNS)
    building.add_argument("--actions", type=int, default=ACTIONS)
    building.add_argument("--executions", type=int, default=EXECUTIONS)
    asking = commands.add_parser("ask")
    asking.add_argument("folder", type=Path)
    asking.add_argument("engines", nargs="+")
    asking.add_argument("--questions", nargs="+", default=list(QUESTIONS))
    options = parser.parse_args(arguments)
    if options.command == "build":
        build(options.folder, options.runs, options.actions, options.executions)
    else:
        print(ask(options.folder, options.engines, options.questions))
    return 0


if __name__ == "__main__":
    sys.exit(main())

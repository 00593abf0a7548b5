"""Nights for the tests: rows made from a number, published as a run would, and everything read back.

Sorting and filtering are done here with pyarrow alone: the program wires DuckDB in, and two ways of merging
that agree are worth more than one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from collector.lake.lake import Lake
from collector.lake.local_storage import LocalStorage
from collector.lake.manifest import Manifest, RunEntry
from collector.lake.publish import publish
from collector.lake.storage import HashingWriter
from collector.lake.table import Table
from collector.lake.tables import ALL

FIRST_RUN = dt.datetime(2026, 10, 29, 2, 15, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 12, 5, 12, 0, tzinfo=dt.UTC)
# So soon after the first runs that prune does not doubt the clock.
SOON = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)

# A run of the tests has rows in these tables; the others have no rows, and so no file.
RUN_TABLES = ("runs", "actions", "promote_image_actions", "problems")
SNAPSHOT_TABLES = ("last_known_actions", "action_state")


def run_entry(day: int) -> RunEntry:
    """Return the run of that day."""
    at = FIRST_RUN + dt.timedelta(days=day)
    return RunEntry(
        run_id=f"{at:%Y%m%dT%H%M%SZ}-{day:06x}",
        run_date=at.date(),
        status="complete",
        started_at=at,
        finished_at=at + dt.timedelta(minutes=9),
        collector_version="0.1.0",
        api_urls=["https://api.buddy.works"],
        installations=["us"],
    )


def rows_of(table: Table, run: RunEntry, count: int) -> list[tuple[Any, ...]]:
    """Return rows 0 to count - 1 of a table in a run, in the order of its key; most are the same in every run."""
    return [tuple(_value(column.name, column.arrow, run, i) for column in table.columns) for i in range(count)]


def _value(name: str, arrow: pa.DataType, run: RunEntry, i: int) -> Any:
    if name == "run_id":
        return run.run_id
    if name == "run_date":
        return run.run_date
    if name == "installation":
        return "us"
    if i % 5 == 4 and name in {"extra", "trigger_time"}:
        return None
    if arrow == pa.string():
        return f"{name} žluťoučký/{i:06d}"
    if arrow == pa.timestamp("us"):
        return (run.started_at + dt.timedelta(seconds=i)).replace(tzinfo=None)
    if pa.types.is_list(arrow):
        return [] if i % 3 == 0 else [i, i + 1] if arrow.value_type == pa.int64() else [name, str(i)]
    plain: dict[pa.DataType, Any] = {pa.int64(): i, pa.bool_(): i % 2 == 0, pa.float64(): i / 4}
    return plain[arrow]


def table_of(table: Table, run: RunEntry, count: int) -> pa.Table:
    """Return the same rows as an Arrow table."""
    columns = list(zip(*rows_of(table, run, count), strict=True)) or [()] * len(table.columns)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, table.schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def publish_run(lake: Lake, day: int, *, count: int = 7, now: dt.datetime | None = None) -> Manifest:
    """Publish the run of that day: `count` rows in every table of `RUN_TABLES` and in both snapshots."""
    run = run_entry(day)
    at = now or run.finished_at
    with lake.writing("collect", at):
        # A run has a journal until it is published.
        (lake.runs.create(run.run_id) / "journal.jsonl").touch()
        batches = {
            name: table_of(ALL[name], run, count).to_batches(max_chunksize=3)
            for name in (*RUN_TABLES, *SNAPSHOT_TABLES)
        }
        manifest = publish(lake, run, {**batches, "variables": []}, now=at)
        lake.runs.remove(run.run_id)
        return manifest


def dataset(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return every row that the manifest shows, in an order that does not depend on the files."""
    found = {}
    for name in lake.manifest.tables:
        rows = [row for path, _ in lake.files(name) for row in pq.read_table(path, partitioning=None).to_pylist()]
        found[name] = sorted(rows, key=repr)
    return found


def files_under(root: Path) -> set[str]:
    """Return every file below `tables/`, relative to the root."""
    return {str(path.relative_to(root)) for path in (root / "tables").rglob("*") if path.is_file()}


class Died(BaseException):
    """The death of a process, as far as a test can simulate it: only `with` blocks run after it."""


class MortalStorage(LocalStorage):
    """A storage whose process dies at the n-th step; `steps` counts those that were reached.

    Steps lie before and after each change of the disk, and in the middle of each file that is written.
    """

    def __init__(self, root: Path, dies_at: int) -> None:
        super().__init__(root)
        self.dies_at = dies_at
        self.steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise Died

    @contextmanager
    def output(self, path: str) -> Iterator[HashingWriter]:
        self._step()
        with super().output(path) as sink:
            self._step()
            yield sink
        self._step()

    def sync(self, *paths: str) -> None:
        for path in paths:
            super().sync(path)
            self._step()

    def replace(self, path: str, content: bytes) -> None:
        super().replace(path, content)
        self._step()

    def rename(self, path: str, new: str) -> None:
        super().rename(path, new)
        self._step()

    def delete(self, path: str) -> None:
        super().delete(path)
        self._step()

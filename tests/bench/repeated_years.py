"""Several years of runs from a lake of one year: its rows again, with the years of their runs and times moved on.

The months are merged, as `compact` leaves them, but for the last one. Executions have new ids in every year, and the
actions are those of the first year. The source must not hold a 29th of February.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow as pa

from collector.lake import parquet
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, RunEntry
from collector.lake.merge import merged_order
from collector.lake.publish import write_file
from collector.lake.sql_text import base_view, by_schema, identifier
from collector.lake.table import Column, Table
from collector.lake.tables import ALL, SNAPSHOTS

# More than the ids of one year, so that an execution of another year has another id.
_IDS_OF_A_YEAR = 1_000_000_000


def repeat(year: Path, merged: Path, target: Path, years: int) -> Lake:
    """Make a lake at `target` of so many years; `merged` is the lake `year` with all months merged."""
    loose, compacted, lake = Lake.open(year), Lake.open(merged), Lake.create(target)
    runs = [_later(run, later) for later in range(years) for run in loose.manifest.runs]
    now = runs[-1].finished_at
    tables: dict[str, list[FileEntry]] = {}
    with TemporaryDirectory(prefix="bench-spill-") as spill:
        folders = [loose.storage.readable, compacted.storage.readable]
        with Database(folders, Path(spill)) as database, lake.writing("bench", now):
            for later, source, name, entry in _files(loose, compacted, years):
                if copied := _copy(database, source, name, entry, lake, later):
                    tables.setdefault(name, []).append(copied)
            lake.commit(msgspec.structs.replace(lake.manifest, published_at=now, runs=runs, tables=tables), now)
    return lake


def _files(loose: Lake, compacted: Lake, years: int) -> Iterator[tuple[int, Lake, str, FileEntry]]:
    """Yield the files to copy: how many years later, of which lake and table; snapshots only for the last year."""
    last_month = max(entry.run_month for entries in loose.manifest.tables.values() for entry in entries)
    for later in range(years):
        is_last = later == years - 1
        for name in sorted(loose.manifest.tables.keys() - (frozenset() if is_last else SNAPSHOTS)):
            for source in (compacted, loose):
                for entry in source.entries(name):
                    is_loose = is_last and entry.run_month == last_month and name not in SNAPSHOTS
                    if is_loose == (source is loose):
                        yield later, source, name, entry


def _copy(database: Database, source: Lake, name: str, entry: FileEntry, lake: Lake, later: int) -> FileEntry | None:
    """Write the rows of one file so many years later, in their order; return None without rows."""
    table, runs = ALL[name], [_year_later(run, later) for run in entry.runs]
    is_merged = len(runs) > 1
    return write_file(
        lake,
        table,
        _year_later(entry.run_month, later),
        runs,
        _rows(database, table, source.path / entry.path, entry, later),
        order=merged_order(table) if is_merged else table.key,
        tuning=parquet.COMPACT if is_merged else parquet.NIGHTLY,
    )


def _rows(database: Database, table: Table, path: Path, entry: FileEntry, later: int) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(f"{_shifted(column, later)} as {identifier(column.name)}" for column in table.columns)
    rows = base_view(table, by_schema(table, [(path, entry.schema)]))
    # The first run finds all actions; in a later year they are known.
    known = " where change <> 'added'" if table.name == "action_changes" and later else ""
    found = database.table(f"select {columns} from ({rows}){known}").select(table.column_names).cast(table.schema)
    return iter(found.to_batches())


def _shifted(column: Column, later: int) -> str:
    name = identifier(column.name)
    if column.name == "first_seen_run_id":
        return name
    if column.name.endswith("run_id"):
        return f"concat(left({name}, 4)::INTEGER + {later}, substr({name}, 5))"
    if column.name == "execution_id":
        return f"{name} + {later * _IDS_OF_A_YEAR}"
    if column.sql in ("TIMESTAMP", "DATE"):
        return f"({name} + interval {later} year)::{column.sql}"
    return name


def _later(run: RunEntry, later: int) -> RunEntry:
    return msgspec.structs.replace(
        run,
        run_id=_year_later(run.run_id, later),
        run_date=run.run_date.replace(year=run.run_date.year + later),
        started_at=run.started_at.replace(year=run.started_at.year + later),
        finished_at=run.finished_at.replace(year=run.finished_at.year + later),
    )


def _year_later(text: str, later: int) -> str:
    """Return a run id or month, which begins with its year, so many years later."""
    return f"{int(text[:4]) + later}{text[4:]}"

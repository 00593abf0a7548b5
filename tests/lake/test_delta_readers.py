"""Other engines read the tables through their Delta logs: the rows are DuckDB's, and nobody else writes or vacuums."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import datafusion
import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

import collector
from collector.lake import delta
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE
from collector.lake.sweep import sweep
from collector.lake.tables import SNAPSHOTS, TABLES
from collector.lake.verify import verify

NOW = dt.datetime(2026, 12, 5, 12, tzinfo=dt.UTC)
Reader = Callable[[DeltaTable], pa.Table]


def by_datafusion(table: DeltaTable) -> pa.Table:
    """Read all rows with DataFusion."""
    context = datafusion.SessionContext()
    context.register_table("found", table)
    return context.sql("select * from found").to_arrow_table()


READERS: Mapping[str, Reader] = {
    "delta-rs": lambda table: pa.table(table.to_pyarrow_table()),
    "polars": lambda table: polars.read_delta(table).to_arrow(),
    "datafusion": by_datafusion,
}


def rows(table: pa.Table, name: str) -> list[str]:
    """Every row as text, sorted; a time that an engine calls UTC is UTC here without saying so."""
    assert table.column_names == list(TABLES[name].column_names)
    return sorted(map(repr, table.cast(TABLES[name].schema).to_pylist()))


@pytest.fixture(scope="module")
def lakes(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo's lake with Delta logs, and the same compacted, without the files of before."""
    before = Path(shutil.copytree(demo_lake, tmp_path_factory.mktemp("delta") / "before"))
    lake = Lake.open(before)
    with lake.writing("catalog", NOW):
        assert delta.follow(lake, NOW, wanted=True)
    after = Path(shutil.copytree(before, before.with_name("after")))
    lake = Lake.open(after)
    with lake.writing("compact", NOW):
        assert compact(lake, now=NOW)
        delta.follow(lake, NOW)
    swept_at = NOW + 2 * GRACE
    with lake.writing("collect", swept_at):
        lake.commit(lake.manifest, swept_at)
        assert sweep(lake, now=swept_at, keep_runs=()) == []
    return {"before": before, "after": after}


@pytest.mark.parametrize("state", ["before", "after"])
@pytest.mark.parametrize("engine", READERS)
def test_the_rows_are_those_of_duckdb(engine: str, state: str, lakes: Mapping[str, Path]) -> None:
    """Every table, before and after compaction, with every column and value."""
    duckdb = collector.open_lake(lakes[state])
    for name in TABLES:
        found = READERS[engine](DeltaTable(lakes[state] / "tables" / name))
        assert rows(found, name) == rows(duckdb.sql(f"from {name}").table, name), name


@pytest.mark.parametrize("state", ["before", "after"])
def test_the_lake_as_of_a_run_is_a_version_of_each_table(state: str, lakes: Mapping[str, Path]) -> None:
    """At the versions that versions.json names for a run, the rows up to it are those the lake had then."""
    duckdb = collector.open_lake(lakes[state])
    runs = json.loads((lakes[state] / delta.VERSIONS).read_text())["runs"]
    for run in (runs[0], runs[-1]):
        for name, version in run["tables"].items():
            found = polars.read_delta(str(lakes[state] / "tables" / name), version=version)
            as_of = found.filter(polars.col("run_id") <= run["run_id"]).to_arrow()
            expected = duckdb.sql(f"from {name} where run_id <= $run", {"run": run["run_id"]}).table
            assert rows(as_of, name) == rows(expected, name)
        assert run["tables"].keys() >= TABLES.keys() - SNAPSHOTS


def test_a_lake_that_was_moved_is_read_where_it_is_now(lakes: Mapping[str, Path], tmp_path: Path) -> None:
    """No path in a log is absolute."""
    moved = Path(shutil.copytree(lakes["before"], tmp_path / "elsewhere")) / "tables" / "actions"
    files = [uri.removeprefix("file://") for uri in DeltaTable(moved).file_uris()]
    assert files
    assert all(file.startswith(str(moved)) for file in files)


def test_statistics_let_a_reader_skip_files(lakes: Mapping[str, Path]) -> None:
    """A question about one run reads the files of that run only."""
    table = DeltaTable(lakes["before"] / "tables" / "actions")
    run_id = Lake.open(lakes["before"]).manifest.runs[1].run_id
    adds = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert [add["path"] for add in adds if add["min.run_id"] <= run_id <= add["max.run_id"]] == [
        add["path"] for add in adds if run_id in add["path"]
    ]
    assert len(adds) > 1


def test_others_can_neither_write_nor_vacuum(lakes: Mapping[str, Path], tmp_path: Path) -> None:
    """Whatever is forced: files that are superseded, live, or not yet in a log stay, and the log stays as it was."""
    path = Path(shutil.copytree(lakes["before"], tmp_path / "lake"))
    lake, now = Lake.open(path), dt.datetime.now(dt.UTC)  # a vacuum looks at the clock
    with lake.writing("compact", now):
        compact(lake, now=now, current_month=True)
        delta.follow(lake, now)
    files = sorted(path.rglob("*.parquet"))
    (files[0].parent / "20261204T021500Z-000000.parquet").write_bytes(b"published and not yet in a log")
    there = sorted(path.rglob("*.parquet"))
    for name in ("actions", "runs"):
        table = DeltaTable(path / "tables" / name)
        assert table.vacuum(dry_run=False, full=True) == []
        with pytest.raises(DeltaError, match="retention"):
            table.vacuum(retention_hours=0, dry_run=False)
        for full in (False, True):
            with pytest.raises(CommitFailedError, match="promoteImageCollector"):
                table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=full)
        for write in (
            lambda table=table: table.delete(),
            lambda table=table: table.optimize.compact(),
            lambda table=table: table.optimize.z_order(["run_id"]),
            lambda table=table: write_deltalake(table, table.to_pyarrow_table(), mode="append"),
        ):
            with pytest.raises(CommitFailedError, match="promoteImageCollector"):
                write()
    assert sorted(path.rglob("*.parquet")) == there
    assert verify(Lake.open(path)) == []


def test_what_others_may_do_to_a_log_does_no_harm(lakes: Mapping[str, Path], tmp_path: Path) -> None:
    """A checkpoint by another program and its clean-up of old logs leave every version, and the next commit follows."""
    path = Path(shutil.copytree(lakes["before"], tmp_path / "lake"))
    table = DeltaTable(path / "tables" / "actions")
    table.create_checkpoint()
    table.cleanup_metadata()
    lake = Lake.open(path)
    with lake.writing("compact", NOW):
        compact(lake, now=NOW)
        delta.follow(lake, NOW)
    assert DeltaTable(path / "tables" / "actions").version() == 1
    assert delta.read_state(lake.storage, "actions").version == 1
    assert len(DeltaTable(path / "tables" / "actions", version=0).file_uris()) > 1

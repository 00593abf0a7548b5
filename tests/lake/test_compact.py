"""Compaction: the same rows in fewer files, whatever happens meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.errors import LakeError
from collector.lake.compact import Compacted, compact
from collector.lake.lake import Lake
from collector.lake.local_files import sha256_of
from collector.lake.manifest import FileEntry
from collector.lake.merge import merged_order, merged_rows
from collector.lake.sweep import sweep
from collector.lake.table import Table, schema_fingerprint
from collector.lake.tables import ALL
from collector.lake.verify import verify
from tests.lake.published_runs import (
    NOW,
    RUN_TABLES,
    SNAPSHOT_TABLES,
    Died,
    MortalStorage,
    dataset,
    files_under,
    publish_run,
    run_entry,
)

# Nights 0 to 2 are in October, 3 to 5 in November.
NIGHTS = range(6)


@pytest.fixture
def nights(lake: Lake) -> Lake:
    """A lake of nights in two months."""
    for day in NIGHTS:
        publish_run(lake, day)
    return lake


def compacted(lake: Lake, *, current_month: bool = False, day: int | None = None) -> list[Compacted]:
    """Compact as the command does, in December unless a night is said."""
    now = NOW if day is None else run_entry(day).finished_at
    with lake.writing("compact", now):
        return compact(lake, now=now, current_month=current_month)


def test_past_months_become_one_file_each(nights: Lake) -> None:
    """Every table has one file a month, the same rows as before, sorted by key and then by run."""
    before = dataset(nights)
    done = compacted(nights)
    assert [(d.table, d.run_month, d.files_before, d.rows) for d in done] == [
        (table, month, 3, 21) for month in ("2026-10", "2026-11") for table in RUN_TABLES
    ]
    reader = Lake.open(nights.path)
    assert dataset(reader) == before
    assert verify(reader) == []
    for table in RUN_TABLES:
        entries = reader.manifest.tables[table]
        assert [entry.run_month for entry in entries] == ["2026-10", "2026-11"]
        assert [run for entry in entries for run in entry.runs] == [run_entry(day).run_id for day in NIGHTS]
        order = merged_order(ALL[table])
        assert order[-1] == "run_id"
        rows = pq.read_table(reader.files(table)[0][0]).select(order).to_pylist()
        keys = [tuple(row.values()) for row in rows]
        assert keys == sorted(keys)
    assert {len(reader.manifest.tables[table]) for table in SNAPSHOT_TABLES} == {1}
    assert sum(d.bytes_after for d in done) < sum(d.bytes_before for d in done)


def test_a_second_compaction_has_nothing_to_do(nights: Lake) -> None:
    """Compacting what is compact changes no file and no manifest."""
    compacted(nights)
    before = nights.manifest
    assert compacted(nights) == []
    assert Lake.open(nights.path).manifest == before


def test_the_current_month_waits_unless_asked(nights: Lake) -> None:
    """The month that still grows is left alone, and merged when asked for; a later night joins it then."""
    assert {d.run_month for d in compacted(nights, day=5)} == {"2026-10"}
    assert {d.run_month for d in compacted(nights, day=5, current_month=True)} == {"2026-11"}
    publish_run(nights, 6)
    before = dataset(nights)
    assert {(d.run_month, d.files_before) for d in compacted(nights)} == {("2026-11", 2)}
    assert dataset(Lake.open(nights.path)) == before


def test_a_reader_of_the_old_manifest_is_not_disturbed(nights: Lake) -> None:
    """Superseded files stay for readers who hold the manifest before, through the sweep that follows."""
    reader = Lake.open(nights.path)
    before = dataset(reader)
    compacted(nights)
    with nights.writing("collect", NOW):
        sweep(nights, now=NOW, keep_runs=[])
    assert dataset(reader) == before


def test_an_old_file_without_a_column_is_merged_with_nulls(nights: Lake) -> None:
    """Columns added since an old file was written are in the merged file, NULL for its nights."""
    path, entry = strip_column(nights, "actions", "extra")
    assert verify(nights) == []
    compacted(nights)
    [merged, _] = Lake.open(nights.path).manifest.tables["actions"]
    assert merged.schema == schema_fingerprint(ALL["actions"].schema)
    extras = {(r["run_id"], r["extra"]) for r in pq.read_table(nights.path / merged.path).to_pylist()}
    assert {extra for run_id, extra in extras if run_id == entry.runs[0]} == {None}
    assert len({extra for run_id, extra in extras if run_id != entry.runs[0]}) > 1
    assert path.exists()


def strip_column(lake: Lake, table: str, column: str) -> tuple[Path, FileEntry]:
    """Make the first file of a table one that an earlier version wrote."""
    entry = lake.manifest.tables[table][0]
    path = lake.path / entry.path
    old = pq.read_table(path, partitioning=None).drop_columns(column)
    return rewritten(lake, table, old)


def rewritten(lake: Lake, table: str, rows: pa.Table) -> tuple[Path, FileEntry]:
    """Put other rows into the first file of a table, and tell the manifest."""
    entry, *rest = lake.manifest.tables[table]
    path = lake.path / entry.path
    pq.write_table(rows, path)
    changed = FileEntry(
        path=entry.path,
        rows=len(rows),
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        schema=schema_fingerprint(rows.schema),
        runs=entry.runs,
        run_month=entry.run_month,
    )
    with lake.writing("test", NOW):
        lake.manifest.tables[table] = [changed, *rest]
        lake.commit(lake.manifest, NOW)
    return path, changed


def test_a_column_of_a_newer_version_is_never_dropped(nights: Lake) -> None:
    """A file with a column not known here stops the compaction, with advice to upgrade; nothing changes."""
    rows = pq.read_table(nights.files("actions")[0][0], partitioning=None)
    rewritten(nights, "actions", rows.append_column("from_the_future", pa.array(["x"] * len(rows))))
    before = nights.manifest
    with pytest.raises(LakeError, match=r"actions\.from_the_future") as caught:
        compacted(nights)
    assert "Upgrade" in caught.value.advice
    assert Lake.open(nights.path).manifest == before


def test_a_table_of_a_newer_version_is_left_alone(nights: Lake) -> None:
    """A table not known here cannot be sorted, and stops the compaction likewise."""
    with nights.writing("test", NOW):
        entries = nights.manifest.tables.pop("problems")
        moved = []
        for entry in entries:
            target = nights.path / entry.path.replace("/problems/", "/omens/")
            target.parent.mkdir(parents=True, exist_ok=True)
            (nights.path / entry.path).rename(target)
            moved.append(
                {
                    **{f: getattr(entry, f) for f in entry.__struct_fields__},
                    "path": f"tables/omens/{target.parent.name}/{target.name}",
                }
            )
        nights.manifest.tables["omens"] = [FileEntry(**fields) for fields in moved]
        nights.commit(nights.manifest, NOW)
    with pytest.raises(LakeError, match="the table omens"):
        compacted(nights)


@pytest.mark.parametrize(
    "change", [lambda t: t.slice(1), lambda t: pa.concat_tables([t, t.slice(0, 1)]), lambda t: t.slice(0, 0)]
)
def test_a_merge_that_loses_or_adds_rows_is_refused(
    nights: Lake, change: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What replaces the nights must hold exactly their rows; otherwise nothing is changed."""
    assert callable(change)
    before = nights.manifest

    def wrong(table: Table, paths: Sequence[Path], run_ids: Collection[str]) -> list[pa.RecordBatch]:
        rows: pa.Table = change(pa.Table.from_batches(merged_rows(table, paths, run_ids), table.schema))
        return list(rows.to_batches())

    monkeypatch.setattr("collector.lake.compact.merged_rows", wrong)
    with pytest.raises(LakeError, match="rows"):
        compacted(nights)
    assert Lake.open(nights.path).manifest == before


def test_a_damaged_night_is_not_merged(nights: Lake) -> None:
    """A file whose bytes changed is never superseded by what could be read of it."""
    path = nights.files("actions")[1][0]
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    before = nights.manifest
    with pytest.raises(LakeError, match="damaged") as caught:
        compacted(nights)
    assert "verify" in caught.value.advice
    assert Lake.open(nights.path).manifest == before
    path.unlink()
    with pytest.raises(LakeError, match="does not exist"):
        compacted(nights)


def test_dying_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Wherever a compaction dies, all rows are there, and the next one finishes the work."""
    original = Lake.create(tmp_path / "original")
    for day in (1, 2, 3, 4):
        publish_run(original, day, count=3)
    before = dataset(original)
    step, reached = 0, True
    while reached:
        step += 5
        lake = Lake.create(Path(shutil.copytree(original.path, tmp_path / f"dies-{step}")))
        lake.storage = mortal = MortalStorage(lake.path, dies_at=step)
        try:
            compacted(lake)
            reached = False
        except Died:
            reached = mortal.steps == step
        reader = Lake.open(lake.path)
        assert dataset(reader) == before
        assert verify(reader) == []
        again = Lake.create(lake.path)
        with again.writing("compact", NOW):
            sweep(again, now=NOW, keep_runs=[])
            compact(again, now=NOW)
        assert dataset(Lake.open(lake.path)) == before
        assert {len(again.manifest.tables[table]) for table in RUN_TABLES} == {2}
        assert files_under(lake.path) == again.manifest.live_paths() | {r.path for r in again.manifest.retired}
    assert step > 40

"""Parquet: the exact schema, bounded row groups, true metadata, and a size that stays small."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import collector
from collector.lake import parquet
from collector.lake.local_files import sha256_of
from collector.lake.local_storage import LocalStorage
from collector.lake.merge import merged_order
from collector.lake.parquet import COMPACT, NIGHTLY, STAGING, Tuning
from collector.lake.table import Table, schema_fingerprint
from collector.lake.tables import ALL
from tests.lake.published_runs import run_entry, table_of

_RUNS = "RLE_DICTIONARY"
ACTIONS, NIGHTS = 1_000, 10
_DIFFERENCES = {"DELTA_BYTE_ARRAY", "DELTA_BINARY_PACKED"}
SMALL = Tuning(level=1, group_rows=10, group_bytes=1 << 20)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """An empty place to write to."""
    return LocalStorage(tmp_path)


@pytest.mark.parametrize("name", ALL)
def test_every_table_is_read_back_as_it_was_written(storage: LocalStorage, name: str) -> None:
    """Rows, values, types and column order of each table survive, in every tuning."""
    table, rows = ALL[name], table_of(ALL[name], run_entry(0), 100)
    for tuning in (STAGING, NIGHTLY, COMPACT, SMALL):
        written = parquet.write(storage, "f.parquet", table, rows.to_batches(7), tuning=tuning, order=table.key)
        assert written is not None
        assert pq.read_table(storage.locate("f.parquet")).cast(table.schema).equals(rows)
        assert schema_fingerprint(pq.read_schema(storage.locate("f.parquet"))) == table.fingerprint


def test_what_was_written_is_described_truly(storage: LocalStorage) -> None:
    """Rows, bytes, hash and fingerprint are the file's own, and the file says what it is."""
    table = ALL["actions"]
    batches = table_of(table, run_entry(0), 25).to_batches(max_chunksize=5)
    written = parquet.write(storage, "a/f.parquet", table, batches, tuning=SMALL, order=table.key)
    assert written is not None
    content = storage.read("a/f.parquet")
    assert (written.rows, written.bytes, written.sha256) == (25, len(content), sha256_of(storage.locate("a/f.parquet")))
    rows, _, schema = parquet.read_footer(storage.locate("a/f.parquet"))
    assert (rows, schema_fingerprint(schema)) == (25, table.fingerprint)
    said = pq.read_schema(storage.locate("a/f.parquet")).metadata
    assert said[b"collector.table"] == b"actions"
    assert said[b"collector.schema"].decode() == table.fingerprint
    assert said[b"collector.version"].decode() == collector.__version__
    groups = pq.ParquetFile(storage.locate("a/f.parquet")).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [10, 10, 5]
    assert len(groups.row_group(0).sorting_columns) == len(table.key)


@pytest.mark.parametrize("tuning", [STAGING, NIGHTLY, COMPACT])
def test_null_is_found_beside_a_single_other_value(storage: LocalStorage, tuning: Tuning) -> None:
    """Any DuckDB finds exactly the rows without a text, also where all the others hold the same one."""
    table = ALL["actions"]
    rows = table_of(table, run_entry(0), 3).to_pylist()
    for name in ("name", "type", "extra"):
        for row, value in zip(rows, (None, None, "the same"), strict=True):
            row[name] = value
    batch = pa.RecordBatch.from_pylist(rows, schema=table.schema)
    parquet.write(storage, "f.parquet", table, [batch], tuning=tuning, order=())
    for name in ("name", "type", "extra"):
        found = duckdb.execute(f"select count(*) from '{storage.locate('f.parquet')}' where {name} is null")
        assert found.fetchall() == [(2,)], name


def test_a_row_group_is_bounded_in_bytes_too(storage: LocalStorage) -> None:
    """Long texts make row groups of fewer rows, so that memory is bounded whatever the rows hold."""
    table = ALL["actions"]
    batches = table_of(table, run_entry(0), 40).to_batches(max_chunksize=4)
    tight = Tuning(level=1, group_rows=1000, group_bytes=batches[0].nbytes * 2)
    parquet.write(storage, "f.parquet", table, batches, tuning=tight, order=())
    assert pq.ParquetFile(storage.locate("f.parquet")).metadata.num_row_groups in {4, 5}


def test_no_rows_no_file(storage: LocalStorage) -> None:
    """A table without rows leaves nothing behind, with no batches and with empty ones."""
    empty = pa.RecordBatch.from_pylist([], schema=ALL["runs"].schema)
    for batches in ([], [empty, empty]):
        assert parquet.write(storage, "t/f.parquet", ALL["runs"], batches, tuning=NIGHTLY, order=()) is None
    assert storage.files("t") == []


def test_rows_of_another_schema_are_refused(storage: LocalStorage) -> None:
    """A missing column, another name or another type is never written."""
    table = ALL["permissions"]
    rows = table_of(table, run_entry(0), 5)
    place = rows.schema.get_field_index("principal_id")
    fraction = rows.set_column(place, "principal_id", pa.array([0.5] * 5, pa.float64()))
    for wrong in (rows.drop_columns("principal_id"), rows.rename_columns({"principal_id": "who"}), fraction):
        with pytest.raises(ValueError, match="schema does not match"):
            parquet.write(storage, "f.parquet", table, wrong.to_batches(), tuning=NIGHTLY, order=())


def test_a_fingerprint_is_of_names_types_and_order() -> None:
    """Two schemas have one fingerprint when columns, types and order are, in memory or in Parquet."""
    schema = pa.schema([("a", pa.string()), ("b", pa.list_(pa.string()))])
    same = pa.schema([("a", pa.string()), ("b", pa.list_(pa.field("element", pa.string())))], metadata={"x": "y"})
    assert schema_fingerprint(schema) == schema_fingerprint(same)
    others = [
        pa.schema([schema.field("b"), schema.field("a")]),
        pa.schema([schema.field("a")]),
        pa.schema([("a", pa.string()), ("b", pa.list_(pa.int64()))]),
        pa.schema([("c", pa.string()), schema.field("b")]),
    ]
    assert len({schema_fingerprint(other) for other in [schema, *others]}) == 5
    assert len({schema_fingerprint(table.schema) for table in ALL.values()}) == len(ALL)


def test_rows_are_counted_by_their_values(storage: LocalStorage) -> None:
    """Each combination of values is counted, also over several row groups."""
    table = ALL["actions"]
    batches = [b for day, n in ((0, 30), (1, 4)) for b in table_of(table, run_entry(day), n).to_batches(7)]
    parquet.write(storage, "f.parquet", table, batches, tuning=SMALL, order=())
    expected = {(run_entry(0).run_id, "us"): 30, (run_entry(1).run_id, "us"): 4}
    assert parquet.count_by(storage.locate("f.parquet"), ["run_id", "installation"]) == expected


def test_a_month_takes_a_fraction_of_its_nights(storage: LocalStorage) -> None:
    """Slowly changing actions, merged, take less than a fifth of what their nights take side by side."""
    table = ALL["promote_image_actions"]
    nights = [_slow_night(table, day, actions=200) for day in range(30)]
    order = merged_order(table)
    merged = pa.concat_tables(nights).sort_by([(name, "ascending") for name in order]).combine_chunks()
    month = parquet.write(storage, "m", table, merged.to_batches(2048), tuning=COMPACT, order=order)
    night = parquet.write(storage, "n", table, nights[0].to_batches(), tuning=NIGHTLY, order=table.key)
    assert month is not None
    assert night is not None
    assert pq.read_table(storage.locate("m")).cast(table.schema).equals(merged)
    assert month.bytes * 5 < night.bytes * 30


def _slow_night(table: Table, day: int, actions: int) -> pa.Table:
    """A night in which one action in a hundred has failed."""
    rows = table_of(table, run_entry(day), actions)
    at = rows.schema.get_field_index("last_execution_status")
    rng = random.Random(day)
    status = [("FAILED" if rng.random() < 0.01 else "SUCCESSFUL") for _ in range(actions)]
    return rows.set_column(at, rows.schema.field(at), pa.array(status))


@pytest.fixture
def encodings(tmp_path: Path) -> dict[str, set[str]]:
    """How the columns of a merged month of changed revisions are encoded."""
    table = ALL["promote_image_actions"]
    rng = random.Random(1)
    rows = pa.concat_tables([table_of(table, run_entry(0), ACTIONS)] * NIGHTS).sort_by("action_id")
    values: dict[str, list[object]] = {
        "html_url": [f"https://app.buddy.works/a/long/beginning/{number}" for number in range(ACTIONS)],
        "action_id": list(range(ACTIONS)),
        "last_execution_status": [rng.choice(("SUCCESSFUL", "FAILED")) for _ in range(ACTIONS)],
    }
    columns = {name: [value for value in each for _ in range(NIGHTS)] for name, each in values.items()}
    columns["current_revision"] = [f"{rng.getrandbits(160):040x}" for _ in range(ACTIONS * NIGHTS)]
    for name, each in columns.items():
        field = rows.schema.field(name)
        column = pa.array(each, field.type)
        rows = rows.set_column(rows.schema.get_field_index(name), field, column)
    batches = rows.combine_chunks().to_batches(700)
    assert parquet.write(LocalStorage(tmp_path), "f.parquet", table, batches, tuning=COMPACT, order=()) is not None
    assert pq.read_table(tmp_path / "f.parquet").cast(table.schema).equals(rows)
    group = pq.ParquetFile(tmp_path / "f.parquet").metadata.row_group(0)
    chunks = [group.column(number) for number in range(group.num_columns)]
    return {chunk.path_in_schema: set(chunk.encodings) for chunk in chunks}


def test_a_merged_column_has_the_encoding_that_makes_it_small(encodings: dict[str, set[str]]) -> None:
    """Random texts are plain, ids and addresses differences from their neighbours, statuses runs."""
    assert not encodings["current_revision"] & {_RUNS, *_DIFFERENCES}
    assert encodings["html_url"] & _DIFFERENCES
    assert encodings["action_id"] & _DIFFERENCES
    assert _RUNS in encodings["last_execution_status"]

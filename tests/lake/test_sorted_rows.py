"""Sorting returns every row, in order, in a small part of the memory that wide rows or many of them would take."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.lake import parquet
from collector.lake.local_storage import LocalStorage
from collector.lake.sorted_rows import sorted_rows
from collector.lake.table import Table
from collector.lake.tables import PROMOTE_IMAGE_ACTIONS, VARIABLES

TEXTS = st.none() | st.sampled_from(["", "a", "Z", "é", "\U0001f600", "\uffff", "\x00", "a\x00", "it's"])
KEYS = st.lists(st.tuples(TEXTS, st.none() | st.integers(-2, 2)), max_size=40)
ORDER = ("workspace", "action_id")


@given(KEYS, st.sampled_from([1, 2_000, 1 << 20]), st.integers(1, 7))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_back_in_order(
    tmp_path: Path, keys: list[tuple[str | None, int | None]], size: int, batch_rows: int
) -> None:
    """Every row is there once, text by its UTF-8 bytes and NULL last, in one part or in many, which are removed."""
    workspaces, ids = [key[0] for key in keys], [key[1] for key in keys]
    rows = batch_of(VARIABLES, len(keys), workspace=workspaces, action_id=ids, value=list(map(str, range(len(keys)))))
    batches = [rows[first : first + batch_rows] for first in range(0, len(keys), batch_rows)]
    stream = sorted_rows(batches, VARIABLES, ORDER, tmp_path / "parts", part_bytes=size)
    found = pa.Table.from_batches(stream, VARIABLES.schema).to_pylist()
    places = [(row["workspace"], row["action_id"]) for row in found]
    assert places == sorted(
        keys, key=lambda key: (key[0] is None, (key[0] or "").encode(), key[1] is None, key[1] or 0)
    )
    assert sorted(int(row["value"]) for row in found) == list(range(len(keys)))
    assert not list(tmp_path.glob("parts/*"))


@pytest.mark.parametrize(("count", "width"), [(6_000, 12_000), (60_000, 0)], ids=["wide", "narrow"])
def test_more_rows_than_are_held_are_sorted(tmp_path: Path, count: int, width: int) -> None:
    """Of 140 MB of rows of 12 kB, and of many narrow ones, a few parts are in memory at a time."""

    def batches(part: int) -> Iterator[pa.RecordBatch]:
        for first in range(0, count, 1_000):
            ids = [n * 7_919 % count for n in range(first, first + 1_000)]
            extras = [f"{n}" + "x" * width for n in ids]
            run_ids = [f"run-{part}"] * 1_000
            yield batch_of(PROMOTE_IMAGE_ACTIONS, 1_000, run_id=run_ids, action_id=list(ids), extra=extras)

    storage, order = LocalStorage(tmp_path), ("action_id", "run_id")
    for part in range(2):
        parquet.write(storage, str(part), PROMOTE_IMAGE_ACTIONS, batches(part), parquet.STAGING, order=())
    staged = parquet.batches([tmp_path / "0", tmp_path / "1"], PROMOTE_IMAGE_ACTIONS.column_names)
    found, held, before = [], 0, pa.total_allocated_bytes()
    for batch in sorted_rows(staged, PROMOTE_IMAGE_ACTIONS, order, tmp_path / "parts", part_bytes=4 << 20):
        held = max(held, pa.total_allocated_bytes() - before)
        found += [(row["action_id"], row["run_id"]) for row in batch.select(order).to_pylist()]
    assert found == [(n, f"run-{part}") for n in range(count) for part in range(2)]
    assert held < 64 << 20


def batch_of(table: Table, rows: int, **columns: Sequence[object]) -> pa.RecordBatch:
    """Rows of a table; columns that are not given are NULL."""
    arrays = [pa.array(columns.get(field.name, [None] * rows), field.type) for field in table.schema]
    return pa.record_batch(arrays, schema=table.schema)

"""Sorting returns every row, in order, in memory that depends neither on the width of the rows nor on their number."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from collector.lake.database import Database
from collector.lake.sorted_rows import sorted_rows
from collector.lake.sql_text import base_view, read_parquet
from collector.lake.tables import PROMOTE_IMAGE_ACTIONS, VARIABLES

TEXTS = st.none() | st.sampled_from(["", "a", "Z", "é", "\U0001f600", "\uffff", "\x00", "a\x00", "it's"])
ORDER = ("workspace", "action_id")
COLUMNS = [name for name in VARIABLES.column_names if name not in (*ORDER, "value")]
EMPTY = f"select {', '.join(f'null::{c.sql} as {c.name}' for c in VARIABLES.columns if c.name in COLUMNS)}"


@given(st.lists(st.tuples(TEXTS, st.none() | st.integers(-2, 2)), max_size=40), st.sampled_from([1, 2_000, 1 << 20]))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_back_in_order(tmp_path: Path, keys: list[tuple[str | None, int | None]], size: int) -> None:
    """Every row is there once, text by its UTF-8 bytes and NULL last, in one range or in many."""
    path = tmp_path / "rows.parquet"
    columns = [pa.array([key[0] for key in keys], pa.string()), pa.array([key[1] for key in keys], pa.int64())]
    rows = pa.table([*columns, pa.array(map(str, range(len(keys))), pa.string())], names=[*ORDER, "value"])
    pq.write_table(rows, path)
    with Database([tmp_path], tmp_path) as database:
        select = f"from ({EMPTY}) cross join {read_parquet([path])}"
        found = pa.Table.from_batches(
            sorted_rows(database, VARIABLES, select, ORDER, tmp_path / "parts", part_bytes=size), VARIABLES.schema
        ).to_pylist()
    places = [(row["workspace"], row["action_id"]) for row in found]
    assert places == sorted(
        keys, key=lambda key: (key[0] is None, (key[0] or "").encode(), key[1] is None, key[1] or 0)
    )
    assert sorted(int(row["value"]) for row in found) == list(range(len(keys)))


@pytest.mark.parametrize(
    ("count", "width", "memory"), [(6_000, 12_000, "100MB"), (30_000, 0, "40MB")], ids=["wide", "narrow"]
)
def test_more_rows_than_memory_holds_are_sorted(tmp_path: Path, count: int, width: int, memory: str) -> None:
    """Rows of 12 kB, and many narrow ones, are sorted by a DuckDB that may hold a part of them."""

    def batches(part: int) -> Iterator[pa.RecordBatch]:
        for first in range(0, count, 1_000):
            ids = [n * 7_919 % count for n in range(first, first + 1_000)]
            values: dict[str, list[object]] = {
                "run_id": [f"run-{part}"] * 1_000,
                "action_id": list(ids),
                "extra": [f"{n}" + "x" * width for n in ids],
            }
            schema = PROMOTE_IMAGE_ACTIONS.schema
            yield pa.record_batch([values.get(name, [None] * 1_000) for name in schema.names], schema=schema)

    paths = [write(tmp_path / f"{part}.parquet", batches(part)) for part in range(2)]
    with Database([tmp_path], tmp_path / "spill", memory_limit=memory, threads=1) as database:
        select = f"from ({base_view(PROMOTE_IMAGE_ACTIONS, [paths])})"
        order = ("action_id", "run_id")
        stream = sorted_rows(database, PROMOTE_IMAGE_ACTIONS, select, order, tmp_path / "parts", part_bytes=8 << 20)
        found = [(row["action_id"], row["run_id"]) for batch in stream for row in batch.select(order).to_pylist()]
    assert found == [(n, f"run-{part}") for n in range(count) for part in range(2)]


def write(path: Path, batches: Iterator[pa.RecordBatch]) -> Path:
    """Write the batches as one file."""
    with pq.ParquetWriter(path, PROMOTE_IMAGE_ACTIONS.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path

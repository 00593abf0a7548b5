"""Sorting returns every row, in order, whatever the size of chunks, and leaves no file behind."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.lake import external_sort as module
from collector.lake.external_sort import external_sort

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.int64()), ("v", pa.string())])
KEYS = st.lists(
    st.tuples(st.none() | st.sampled_from(["", "a", "Z", "é", "\U0001f600", "\uffff"]), st.none() | st.integers(-2, 2)),
    max_size=60,
)
Row = tuple[str | None, int | None, str]


def batch(rows: list[Row]) -> pa.RecordBatch:
    """Return a record batch of rows."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def order(row: Row) -> tuple[object, ...]:
    """Return the place of a row in the lake's order: text by its UTF-8 bytes, NULL last."""
    return (row[0] is None, (row[0] or "").encode(), row[1] is None, row[1] or 0)


@given(KEYS, st.integers(1, 7), st.sampled_from([1, 100, 10_000]), st.sampled_from([1, 60, 10_000]))
@settings(max_examples=80, deadline=None)
def test_rows_come_back_in_order(keys: list[tuple[str | None, int | None]], size: int, chunk: int, bytes_: int) -> None:
    """Every row is there once, in order of the key; no file is left."""
    rows = [(key[0], key[1], str(i)) for i, key in enumerate(keys)]
    batches = [batch(rows[i : i + size]) for i in range(0, len(rows), size)]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH_BYTES", bytes_)
        found = list(external_sort(batches, ["a", "b"], Path(folder), chunk_bytes=chunk))
        result = [(r["a"], r["b"], r["v"]) for each in found for r in each.to_pylist()]
        assert [order(row) for row in result] == sorted(map(order, rows))
        assert sorted(result, key=repr) == sorted(rows, key=repr)
        assert list(Path(folder).iterdir()) == []


def test_files_are_removed_when_the_reader_stops_early(tmp_path: Path) -> None:
    """A reader that stops half way leaves no file behind."""
    stream = external_sort([batch([("a", i, "x")]) for i in range(50)], ["b"], tmp_path, chunk_bytes=1)
    next(stream)
    assert any(tmp_path.iterdir())
    stream.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []

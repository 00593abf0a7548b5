"""Sorting gives back every row, in order, in bounded memory, and leaves no file behind."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.lake.external_sort import Sorter, merged, read_run, write_run

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.int64()), ("v", pa.string())])
ROWS = st.lists(
    st.tuples(st.none() | st.sampled_from(["", "a", "Z", "é", "\U0001f600", "\uffff"]), st.none() | st.integers(-2, 2)),
    max_size=60,
)
Row = tuple[str | None, int | None, str]


def batch(rows: list[Row]) -> pa.RecordBatch:
    """A record batch of rows."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def rows_of(batches: Iterator[pa.RecordBatch]) -> list[Row]:
    """The rows of batches."""
    return [(r["a"], r["b"], r["v"]) for each in batches for r in each.to_pylist()]


def order(row: Row) -> tuple[object, ...]:
    """The order of the lake's files: text by its UTF-8 bytes, NULL last."""
    return (row[0] is None, (row[0] or "").encode(), row[1] is None, row[1] or 0)


@given(ROWS, st.integers(1, 7), st.sampled_from([1, 100, 10_000]))
@settings(max_examples=60, deadline=None)
def test_rows_come_back_in_order(tmp_path_factory: object, keys: list[Row], size: int, chunk_bytes: int) -> None:
    """Whatever the chunks, the result is what `sorted` gives, equal keys in the order in which they came."""
    rows = [(key[0], key[1], str(i)) for i, key in enumerate(keys)]
    folder = Path(str(tmp_path_factory.mktemp("sort")))  # type: ignore[attr-defined]
    sorter = Sorter(["a", "b"], folder, chunk_bytes=chunk_bytes)
    sorter.add(batch(rows[i : i + size]) for i in range(0, len(rows), size))
    assert rows_of(sorter.batches()) == sorted(rows, key=order)
    assert list(folder.iterdir()) == []


@given(st.lists(ROWS, max_size=5), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_sorted_runs_merge(runs: list[list[Row]], size: int) -> None:
    """Runs that are in order, of any length and batching, merge into one that is."""
    whole = [[(k[0], k[1], f"{i}.{j}") for j, k in enumerate(keys)] for i, keys in enumerate(runs)]
    ordered = [sorted(rows, key=order) for rows in whole]
    streams = [iter([batch(r[i : i + size]) for i in range(0, len(r), size)]) for r in ordered]
    found = rows_of(merged(streams, ["a", "b"]))
    assert [order(row) for row in found] == sorted(order(row) for rows in whole for row in rows)
    assert sorted(row[2] for row in found) == sorted(row[2] for rows in whole for row in rows)


def test_files_go_when_the_reader_stops_early(tmp_path: Path) -> None:
    """Somebody who stops half way leaves no file behind."""
    sorter = Sorter(["b"], tmp_path, chunk_bytes=1)
    sorter.add(batch([("a", i, "x")]) for i in range(50))
    assert any(tmp_path.iterdir())
    stream = sorter.batches()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_nothing_is_read_as_nothing(tmp_path: Path) -> None:
    """A run without rows is a run."""
    write_run([], tmp_path / "0.arrow")
    assert list(read_run(tmp_path / "0.arrow")) == []
    write_run([batch([("a", 1, "x")])], tmp_path / "1.arrow")
    assert rows_of(read_run(tmp_path / "1.arrow")) == [("a", 1, "x")]

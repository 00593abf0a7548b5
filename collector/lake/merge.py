"""Merge files of a table: their rows by key and then by run, in memory that does not depend on how many they are.

A row group is read at a time, and a text is held once: in every further row, of any run, it takes four bytes. Rows that
are more than `HELD_BYTES` even so are divided into ranges of the key, each of which is read by itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import compute as pc

from collector.lake import parquet
from collector.lake.sorted_rows import RowKey, row_key
from collector.lake.table import Table

HELD_BYTES = 160 << 20
# Pieces that are such a share of it are joined: until then each has the texts of its own row group.
_PIECES_SHARE = 0.4
# The size of a batch of sorted rows, in which texts are repeated, and the most rows in it.
_BATCH_BYTES, _BATCH_ROWS = 4 << 20, 20_000
# The limits of ranges are chosen from so many keys of each row group.
_SAMPLES = 32
# The column with the place of a row in its row group.
_PLACE = "place"
_TEXTS = pa.dictionary(pa.int32(), pa.string())


def merged_order(table: Table) -> tuple[str, ...]:
    """Return the order of a merged file: the table's key without the run, then the run."""
    return (*(name for name in table.key if name != "run_id"), "run_id")


def merged_rows(
    table: Table, paths: Sequence[Path], run_ids: Collection[str], held_bytes: int = HELD_BYTES
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of these runs in `merged_order`, whatever the order of the files; a column that one lacks is NULL.

    Raises LakeError when a file cannot be read.
    """
    merge = _Merge(table, merged_order(table), pa.array(sorted(run_ids), pa.string()), held_bytes)
    groups = [_Group(each) for path in paths for each in parquet.row_groups(path)]
    return merge.rows(groups, _Range())


@dataclass(frozen=True)
class _Range:
    """The keys from `low` on and below `high`; None is no limit."""

    low: RowKey | None = None
    high: RowKey | None = None


@dataclass
class _Group:
    """A row group, and its first and last key once they are known."""

    stored: parquet.RowGroup
    limits: tuple[RowKey, RowKey] | None = None

    def may_be_in(self, wanted: _Range) -> bool:
        """Return whether it may have keys of a range."""
        if self.limits is None:
            return True
        first, last = self.limits
        return (wanted.low is None or wanted.low <= last) and (wanted.high is None or first < wanted.high)


@dataclass(frozen=True)
class _Merge:
    """The table that is merged, in which order, which runs of it, and how many bytes of rows may be held."""

    table: Table
    order: tuple[str, ...]
    run_ids: pa.Array
    held_bytes: int

    def rows(self, groups: Sequence[_Group], wanted: _Range) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a range, in order."""
        groups = [group for group in groups if group.may_be_in(wanted)]
        held = _Held(self.held_bytes * _PIECES_SHARE)
        starts: list[RowKey] | None = None
        for number, group in enumerate(groups, start=1):
            held.add(self._rows_of(group, wanted))
            if starts is None and held.joined_bytes > self.held_bytes:
                # Empty where all keys are equal: such rows are held together.
                starts = self._starts(groups, wanted, len(groups) // number + 1)
                if starts:
                    break
        if starts:
            del held
            for low, high in zip([wanted.low, *starts], [*starts, wanted.high], strict=True):
                yield from self.rows(groups, _Range(low, high))
        elif groups:
            yield from self._in_order(held.joined())

    def _rows_of(self, group: _Group, wanted: _Range) -> pa.Table:
        """Return the rows of a row group that are in a range, not sorted, each text as a dictionary."""
        if wanted == _Range():
            rows = self._read(group, self.table.column_names)
            of_runs = pc.is_in(rows["run_id"].cast(pa.string()), self.run_ids)
            return rows if pc.all(of_runs).as_py() else rows.filter(of_runs)
        places = self._keys(group, wanted)[_PLACE]
        rows = self._read(group, self.table.column_names).take(places)
        return pa.table([_without_unused(column) for column in rows.columns], rows.schema.names)

    def _keys(self, group: _Group, wanted: _Range) -> pa.Table:
        """Return the keys of a row group that are in a range, sorted, with the place of each row."""
        keys = self._read(group, self.order).cast(self._plain_keys)
        keys = keys.append_column(_PLACE, pa.arange(0, len(keys)))
        keys = keys.filter(pc.is_in(keys["run_id"], self.run_ids))
        keys = keys.sort_by([(name, "ascending") for name in self.order]).combine_chunks()
        rows = range(len(keys))
        if rows and group.limits is None:
            group.limits = row_key(keys, self.order, 0), row_key(keys, self.order, rows[-1])
        begin, end = (
            limit and bisect_left(rows, limit, key=lambda row: row_key(keys, self.order, row))
            for limit in (wanted.low, wanted.high)
        )
        return keys[begin:end]

    def _read(self, group: _Group, columns: Sequence[str]) -> pa.Table:
        """Return columns of a row group as they are merged: those of the contract, each text as a dictionary."""
        found = group.stored.read(columns)
        arrays = []
        for name in columns:
            kind = self.table.schema.field(name).type
            kind = _TEXTS if kind == pa.string() else kind
            arrays.append(found[name].cast(kind) if name in found.schema.names else pa.nulls(len(found), kind))
        return pa.table(arrays, list(columns))

    def _starts(self, groups: Sequence[_Group], wanted: _Range, count: int) -> list[RowKey]:
        """Return where all but the first of so many ranges begin that have about as many rows each."""
        samples: list[RowKey] = []
        for group in groups:
            keys = self._keys(group, wanted)
            samples += [row_key(keys, self.order, row) for row in range(0, len(keys), len(keys) // _SAMPLES + 1)]
        samples.sort()
        starts = {samples[len(samples) * number // count] for number in range(1, count)} - {samples[0]}
        return sorted(starts or {samples[-1]} - {samples[0]})

    def _in_order(self, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield rows in order, in batches that are bounded with every text in its place."""
        keys = rows.select(self.order).cast(self._plain_keys)
        places = pc.sort_indices(keys, [(name, "ascending") for name in self.order])
        ends = pc.cumulative_sum(_text_bytes(rows).take(places))
        begin = 0
        while begin < len(rows):
            most = range(begin + 1, min(begin + _BATCH_ROWS, len(rows)))
            limit = ends[begin].as_py() + _BATCH_BYTES
            end = begin + 1 + bisect_right(most, limit, key=lambda row: ends[row].as_py())
            yield from rows.take(places[begin:end]).cast(self.table.schema).combine_chunks().to_batches()
            begin = end

    @property
    def _plain_keys(self) -> pa.Schema:
        return pa.schema([self.table.schema.field(name) for name in self.order])


class _Held:
    """Rows of row groups; pieces of more than so many bytes are joined, and then have each text once."""

    def __init__(self, piece_bytes: float) -> None:
        self._piece_bytes = piece_bytes
        self._pieces: list[pa.Table] = []
        self._waiting = 0.0
        self.joined_bytes = 0

    def add(self, rows: pa.Table) -> None:
        """Hold rows, each text of which is a dictionary."""
        self._pieces.append(rows)
        self._waiting += rows.nbytes
        if self._waiting > self._piece_bytes:
            self.joined_bytes, self._waiting = self.joined().nbytes, 0

    def joined(self) -> pa.Table:
        """Return all rows."""
        names = self._pieces[0].schema.names
        # A column at a time, so that not all are in memory twice.
        columns = [[chunk for piece in self._pieces for chunk in piece[name].chunks] for name in reversed(names)]
        types = {name: self._pieces[0].schema.field(name).type for name in names}
        self._pieces.clear()
        joined = [pa.chunked_array(columns.pop(), types[name]).unify_dictionaries().combine_chunks() for name in names]
        self._pieces.append(pa.table(joined, names))
        return self._pieces[0]


def _without_unused(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts of which there are more than rows without those that no row has."""
    if column.type != _TEXTS or all(len(chunk.dictionary) <= len(chunk) for chunk in column.chunks):
        return column
    return column.cast(pa.string()).dictionary_encode()


def _text_bytes(rows: pa.Table) -> pa.Array:
    """Return how many bytes the texts of each row have."""
    total = pa.repeat(0, len(rows))
    for column in rows.columns:
        if column.type == _TEXTS:
            [texts] = column.chunks
            lengths = pc.binary_length(texts.dictionary).take(texts.indices)
            total = pc.add(total, pc.fill_null(lengths, 0))
    return total

"""How the columns of a file are laid out in bytes: row groups, pages, encodings, compression.

Three encodings compete. Indexes into a dictionary cost a byte or two for each run of equal values; differences
between neighbours cost next to nothing where ids are consecutive or addresses share their beginning; plain text
is best for what is random, such as a commit hash, which only the compressor can find again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TIME = pa.timestamp("us")
_DIFFERENCES = {pa.string(): "DELTA_BYTE_ARRAY", pa.int64(): "DELTA_BINARY_PACKED", _TIME: "DELTA_BINARY_PACKED"}
_PLAIN, _RUNS = "PLAIN", "RUNS"

Options = dict[str, Any]
# Bytes of a table when it is written with these options.
Weigh = Callable[[pa.Table, Options], int]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a file is laid out: zstd level, and the bounds of a row group, which are the writer's memory.

    Without `encoded` every column is written plain, which is the quickest. `folded` rows wait for their group
    with each text kept once; their encodings are chosen by trial.
    """

    level: int
    group_rows: int
    group_bytes: int
    encoded: bool = True
    folded: bool = False


STAGING = Tuning(level=1, group_rows=20_000, group_bytes=8 << 20, encoded=False)
# Level 9 makes a nightly file 2% smaller than level 3 and takes twice the time.
NIGHTLY = Tuning(level=3, group_rows=40_000, group_bytes=24 << 20)
# Merged nights of 20,000 actions, 2% of which have run, take 2.64 bytes an action and night with level 15 and groups
# of 64 MB unfolded, which are 36,000 rows; so they take 1.83, and 1.03 of that are the commit hashes alone. From
# level 17 on a hash costs 20.5 bytes and not 22.5.
COMPACT = Tuning(level=19, group_rows=240_000, group_bytes=64 << 20, folded=True)

# A column whose values repeat less often than this, among the first rows, is written as differences between
# neighbours; any other as runs of dictionary indexes. Measured on sorted nights of 20,000 actions: 55 bytes a
# row with dictionaries alone, 40 so (21 of them a random commit hash).
_REPEATS = 25
_SAMPLE_ROWS = 10_000

# The rows on which the encodings of a merged file are tried, and how small another than a dictionary, which is read
# quickest, must be beside it.
_TRIAL_ROWS = 60_000
_WORTH = 0.95


def options(first: pa.Table, tuning: Tuning, weigh: Weigh) -> Options:
    """What a ParquetWriter is told of the layout, given the first row group of the file."""
    if not tuning.encoded:
        chosen: dict[str, str] = {field.name: _PLAIN for field in first.schema}
    elif tuning.folded:
        chosen = _smallest(first.slice(0, _TRIAL_ROWS), tuning, weigh)
    else:
        chosen = _likely(first.slice(0, _SAMPLE_ROWS))
    return _options(first.schema, chosen, tuning)


def folded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with each text kept once: a merged month has 30 rows of nearly every one."""
    columns = [column.dictionary_encode() if column.type == pa.string() else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _likely(sample: pa.Table) -> dict[str, str]:
    """The encodings that are told from how often values repeat."""
    chosen = {}
    for field in sample.schema:
        differences = _DIFFERENCES.get(field.type)
        # Times are alike but seldom equal, so they are never worth a dictionary.
        if differences and (field.type == _TIME or _seldom_repeats(sample.column(field.name))):
            chosen[field.name] = differences
    return chosen


def _seldom_repeats(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values).as_py() * _REPEATS > len(values))


def _smallest(sample: pa.Table, tuning: Tuning, weigh: Weigh) -> dict[str, str]:
    """The encodings that make each column of the sample smallest, found by writing it."""
    chosen = {}
    for field in sample.schema:
        kind = _unfolded(field.type)
        # Unfolded, or its dictionary would be that of the whole group.
        column = pa.table({field.name: sample.column(field.name).cast(kind)})
        rivals = [_DIFFERENCES[kind], _PLAIN] if kind in _DIFFERENCES else []
        sizes = {each: weigh(column, _options(column.schema, {field.name: each}, tuning)) for each in (_RUNS, *rivals)}
        smallest = min(sizes, key=sizes.__getitem__)
        chosen[field.name] = smallest if sizes[smallest] < sizes[_RUNS] * _WORTH else _RUNS
    return chosen


def _options(schema: pa.Schema, chosen: dict[str, str], tuning: Tuning) -> Options:
    runs = [_leaf(field) for field in schema if chosen.get(field.name, _RUNS) == _RUNS]
    return {
        "compression": "zstd",
        "compression_level": tuning.level,
        "use_dictionary": runs or False,
        "column_encoding": {name: encoding for name, encoding in chosen.items() if encoding not in {_RUNS, _PLAIN}},
        "dictionary_pagesize_limit": 8 << 20,
        "data_page_size": 1 << 20,
        # A page ends by its bytes alone: what begins anew with each is a compressor that knows nothing yet.
        "max_rows_per_page": tuning.group_rows,
    }


def _unfolded(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _leaf(field: pa.Field) -> str:
    """The name of a column's values in Parquet, which for a list is its element's."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)

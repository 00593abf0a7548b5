"""How the columns of a Parquet file are laid out: row groups, encodings and compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Tuning:
    """The layout of a file: its zstd level, and the size of a row group, which the writer holds in memory.

    Without `encoded` every column is written plain, which is the quickest.
    """

    level: int
    group_rows: int
    group_bytes: int
    encoded: bool = True


# Staging is read once and removed, a nightly file is written in every run, a merged one once and kept for years.
STAGING = Tuning(level=1, group_rows=20_000, group_bytes=8 << 20, encoded=False)
NIGHTLY = Tuning(level=3, group_rows=40_000, group_bytes=24 << 20)
COMPACT = Tuning(level=19, group_rows=240_000, group_bytes=128 << 20)

# A commit hash is random: no encoding helps, and a dictionary costs an index beside each.
_RANDOM = "current_revision"
_DICTIONARY = "RLE_DICTIONARY"


def options(schema: pa.Schema, tuning: Tuning) -> dict[str, Any]:
    """Return the options of a ParquetWriter for these columns."""
    encodings = {field.name: _encoding(field) if tuning.encoded else "PLAIN" for field in schema}
    return {
        "compression": "zstd",
        "compression_level": tuning.level,
        "use_dictionary": [_leaf(field) for field in schema if encodings[field.name] == _DICTIONARY] or False,
        "column_encoding": {n: encoding for n, encoding in encodings.items() if encoding not in {_DICTIONARY, "PLAIN"}},
        "dictionary_pagesize_limit": 8 << 20,
        # A page ends by its bytes alone: the compressor begins anew with each.
        "data_page_size": 1 << 20,
        "max_rows_per_page": tuning.group_rows,
    }


def _encoding(field: pa.Field) -> str:
    if field.type == pa.timestamp("us") or (field.type == pa.int64() and field.name.endswith("_id")):
        return "DELTA_BINARY_PACKED"  # sorted ids and times differ little from one row to the next
    if field.type == pa.string() and field.name.endswith("url"):
        return "DELTA_BYTE_ARRAY"  # sorted addresses share their beginning
    return "PLAIN" if field.name == _RANDOM else _DICTIONARY


def _leaf(field: pa.Field) -> str:
    """Return the name of a column's values in Parquet, which for a list is the one of its element."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)

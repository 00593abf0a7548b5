"""How each column of a Parquet file is stored, by its type and name: encoding, dictionary and statistics. Pure."""

from typing import Any

import pyarrow as pa

# The only text with statistics of its smallest and largest value: it is never NULL, and queries select runs by it.
# duckdb 2.0 answers `IS NULL` wrongly (true for every row) where a text column without dictionary holds NULLs and one
# other value and its statistics say so.
_TEXT_WITH_BOUNDS = "run_id"
# Hashes are random: no encoding helps, and a dictionary costs an index beside each.
_RANDOM = ("current_revision", "fingerprint")
DICTIONARY = "RLE_DICTIONARY"


def column_options(schema: pa.Schema, *, encoded: bool) -> dict[str, Any]:
    """Return the options of a ParquetWriter that are given column by column.

    Without `encoded` every column is written plain.
    """
    encodings = {field.name: _encoding(field) if encoded else "PLAIN" for field in schema}
    # The values of a list have a name of their own in Parquet.
    leaves = {field.name: field.name + ".list.element" * pa.types.is_list(field.type) for field in schema}
    return {
        "write_statistics": [f.name for f in schema if f.type != pa.string() or f.name == _TEXT_WITH_BOUNDS],
        "use_dictionary": [leaves[name] for name, each in encodings.items() if each == DICTIONARY] or False,
        "column_encoding": {name: each for name, each in encodings.items() if each.startswith("DELTA")},
    }


def _encoding(field: pa.Field) -> str:
    if field.type == pa.timestamp("us") or (field.type == pa.int64() and field.name.endswith("_id")):
        return "DELTA_BINARY_PACKED"  # sorted ids and times differ little from one row to the next
    if field.type == pa.string() and field.name.endswith("url"):
        return "DELTA_BYTE_ARRAY"  # sorted addresses share their beginning
    return "PLAIN" if field.name in _RANDOM else DICTIONARY

"""Layout: each column of a merged file in the encoding that suits it, and nothing of that seen by a reader."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.lake import encoding, parquet
from collector.lake.encoding import COMPACT, NIGHTLY, Tuning
from collector.lake.storage import Storage
from collector.lake.tables import ALL, schema_fingerprint
from tests.lake.published_runs import run_entry, table_of

_RUNS, _PLAIN = "RLE_DICTIONARY", "PLAIN"
ACTIONS, NIGHTS = 1_000, 10
_DIFFERENCES = {"DELTA_BYTE_ARRAY", "DELTA_BINARY_PACKED"}


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
    assert parquet.write(Storage(tmp_path), "f.parquet", table, batches, tuning=COMPACT, order=()) is not None
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


@pytest.mark.parametrize("tuning", [encoding.STAGING, NIGHTLY, COMPACT])
def test_a_reader_sees_the_contract_s_types(tmp_path: Path, tuning: Tuning) -> None:
    """How rows waited for their group is not in the file: a text is a text to whoever reads it."""
    for name, table in ALL.items():
        rows = table_of(table, run_entry(0), 5)
        parquet.write(Storage(tmp_path), f"{name}", table, rows.to_batches(), tuning=tuning, order=())
        found = pq.read_schema(tmp_path / name)
        assert schema_fingerprint(found) == schema_fingerprint(table.schema)

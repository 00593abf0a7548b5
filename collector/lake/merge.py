"""Rows of several files of one table as one sorted stream: what compacting and pruning a lake are made of.

Every file of a lake is in the order of its table's key without the run, then the run: a night's file has one
run, and a merged file is written so. Hence files are merged and nothing is sorted as a whole. duckdb keeps
whole row groups of each Parquet file it reads, so the files are first copied one by one into runs that are
read in small batches; a merge then holds one batch of every file.
"""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from collector.lake.base_views import base_view
from collector.lake.database import Database, identifier, literal
from collector.lake.external_sort import merged, read_run, write_run
from collector.lake.tables import Table

_MEMORY_LIMIT = "400MB"


def merge(table: Table, paths: Sequence[Path]) -> pa.RecordBatchReader:
    """All rows of these files in order of the key without the run, then the run; columns that one lacks are
    NULL.

    Raises LakeError when a file cannot be read.
    """
    return pa.RecordBatchReader.from_batches(table.schema, _rows(table, paths, "true"))


def merge_runs(table: Table, paths: Sequence[Path], run_ids: Collection[str]) -> pa.RecordBatchReader:
    """The rows of these runs only, as `merge` gives them."""
    runs = ", ".join(literal(run_id) for run_id in sorted(run_ids))
    wanted = f"run_id in ({runs})" if runs else "false"
    return pa.RecordBatchReader.from_batches(table.schema, _rows(table, paths, wanted))


def _rows(table: Table, paths: Sequence[Path], wanted: str) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(identifier(name) for name in table.column_names)
    order = (*(name for name in table.key if name != "run_id"), "run_id")
    folders = sorted({path.parent for path in paths})
    with tempfile.TemporaryDirectory(prefix="collector-") as spill:
        runs = [Path(spill) / f"{number}.arrow" for number in range(len(paths))]
        with Database(folders, Path(spill) / "duckdb", memory_limit=_MEMORY_LIMIT, threads=1) as database:
            for path, run in zip(paths, runs, strict=True):
                select = f"select {columns} from ({base_view(table, [[path]])}) where {wanted}"
                write_run(database.stream(select), run)
        for batch in merged([read_run(run) for run in runs], order):
            yield from pa.Table.from_batches([batch]).cast(table.schema).to_batches()

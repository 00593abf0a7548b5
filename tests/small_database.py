"""A folder with one small table and two files outside it, and a locked database over the folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from collector.lake.database import Database
from collector.lake.sql_text import literal


def write_folder(root: Path) -> Path:
    """Write `t.parquet` into a folder below `root` and two files outside it; return the folder."""
    folder = root / "lake" / "tables"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), folder / "t.parquet")
    (root / "outside.txt").write_text("secret")
    pq.write_table(pa.table({"a": [99]}), root / "outside.parquet")
    return folder


@contextmanager
def open_database(folder: Path, spill: Path) -> Iterator[Database]:
    """Open a database that may read the folder, with the view `t` of its table."""
    with Database([folder], spill, memory_limit="200MB", threads=1) as database:
        database.define("t", f"from read_parquet({literal(str(folder / 't.parquet'))})")
        yield database

"""What `collector status` shows of each run: kept when it is published, and equal to what its tables say."""

import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from collector.errors import LakeError
from collector.lake.lake import Lake
from collector.query.run_status import FILE_NAME, READ, RunStatus, keep_status, run_statuses, status_query
from collector.query.values import table_of
from collector.query.views import Views, no_files, view_sources


@pytest.fixture
def lake(demo_lake: Path, tmp_path: Path) -> Lake:
    """A copy of the demo's lake, which has a partial run."""
    return Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "lake")))


def test_what_is_kept_is_what_the_tables_say(lake: Lake) -> None:
    """A run that is not in the file, or not in one of this version, is asked of its tables: the answer is the same."""
    kept = run_statuses(lake, 7)
    assert {run.status for run in kept} == {"complete", "partial"}
    content = (lake.path / FILE_NAME).read_bytes()
    newest = kept[0].run_id.encode()
    for other in (
        content.replace(newest, newest[:-6] + b"000000"),
        content.replace(b'"collector_version":"', b'"collector_version":"other '),
        content[:-20],
    ):
        (lake.path / FILE_NAME).write_bytes(other)
        assert run_statuses(lake, 7) == kept
    (lake.path / FILE_NAME).unlink()
    assert run_statuses(lake, 7) == kept


def test_the_kept_runs_are_the_last_of_the_manifest(lake: Lake) -> None:
    """The file loses runs that were pruned, and those of long ago."""
    older, newest = run_statuses(lake, 2)[1], run_statuses(lake, 1)[0]
    lake.manifest = msgspec.structs.replace(lake.manifest, runs=lake.manifest.runs[-1:])
    keep_status(lake, older)
    assert run_statuses(lake, 7) == [newest]
    assert older.run_id not in (lake.path / FILE_NAME).read_text(encoding="utf-8")


def test_the_files_of_a_run_are_looked_for(lake: Lake) -> None:
    """A file that the tables' answer would need is missed when it is not there, or has another size."""
    views = Views(no_files, None, view_sources())
    assert views.tables(status_query().references) == set(READ)
    path = lake.path / lake.entries("pipelines", [lake.manifest.runs[-1].run_id])[0].path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeError, match="instead of"):
        run_statuses(lake, 1)
    path.unlink()
    with pytest.raises(LakeError, match="a file of the lake is missing"):
        run_statuses(lake, 1)


def test_rows_have_the_types_of_their_fields(lake: Lake) -> None:
    """A column without values has its type too, also inside lists."""
    table = table_of(run_statuses(lake, 7))
    assert table.schema.names == list(RunStatus.__struct_fields__)
    assert (table.schema.field("run_date").type, table.schema.field("held_by").type) == (pa.date32(), pa.string())
    part = table.schema.field("installations").type.value_type
    assert part.field("oldest_read_at").type == pa.timestamp("us")
    assert table_of([]).num_columns == 0

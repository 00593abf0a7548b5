"""Staging: exact rows in bounded parts, strict about types, no values in errors, and emptied at each start."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.lake import staging as staging_module
from collector.lake.staging import Staging, record_batch
from collector.lake.table import Table
from collector.lake.tables import ALL
from tests.lake.published_runs import rows_of, run_entry, table_of

RUN = run_entry(0)


def read(paths: list[Path], table: Table) -> pa.Table:
    """Return the rows of parts, in order."""
    return pa.concat_tables([pq.read_table(path) for path in paths]).cast(table.schema).combine_chunks()


@pytest.mark.parametrize("name", ALL)
def test_rows_come_back_as_they_were_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every table returns all its rows, in order, in parts of the configured size."""
    monkeypatch.setattr(staging_module, "PART_ROWS", 80)
    staging = Staging(tmp_path / "staging")
    rows = rows_of(ALL[name], RUN, 150)
    for start in range(0, 150, 7):
        staging.append(name, rows[start : start + 7])
    parts = staging.close()
    assert list(parts) == list(ALL)
    assert [path.name for path in parts[name]] == ["part-00000.parquet", "part-00001.parquet"]
    assert parts[name][0].parent == tmp_path / "staging" / name
    assert read(parts[name], ALL[name]).equals(table_of(ALL[name], RUN, 150))
    assert all(parts[other] == [] for other in ALL if other != name)


def test_nothing_appended_leaves_no_part(tmp_path: Path) -> None:
    """A table without rows has no file, and neither has appending no rows."""
    staging = Staging(tmp_path / "staging")
    staging.append("runs", [])
    assert set(map(len, staging.close().values())) == {0}
    assert list((tmp_path / "staging").iterdir()) == []


def test_long_texts_make_parts_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded in bytes and not only in rows, so huge texts make smaller parts."""
    monkeypatch.setattr(staging_module, "PART_BYTES", 5000)
    staging = Staging(tmp_path / "staging")
    row = tuple("x" * 900 if name == "message" else None for name in ALL["problems"].column_names)
    for _ in range(40):
        staging.append("problems", [row])
    parts = staging.close()["problems"]
    assert len(parts) >= 6
    assert sum(pq.read_metadata(path).num_rows for path in parts) == 40


def test_appending_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appending writes no file: a full part waits for `write_full`, and another for `close`."""
    monkeypatch.setattr(staging_module, "PART_ROWS", 100)
    staging = Staging(tmp_path / "staging")
    rows = rows_of(ALL["actions"], RUN, 120)
    staging.append("actions", rows[:60])
    states = [staging.full]
    staging.append("actions", rows[60:])
    staging.append("actions", rows[:10])
    states.append(staging.full)
    assert list((tmp_path / "staging").iterdir()) == []
    staging.write_full()
    assert [*states, staging.full] == [False, True, False]
    assert [path.name for path in (tmp_path / "staging" / "actions").iterdir()] == ["part-00000.parquet"]
    assert pq.read_metadata(tmp_path / "staging" / "actions" / "part-00000.parquet").num_rows == 120
    assert len(staging.close()["actions"]) == 2


def test_a_start_empties_the_directory(tmp_path: Path) -> None:
    """Staging is rebuilt from the journal: parts of an interrupted attempt are gone before the first row."""
    before = Staging(tmp_path / "staging")
    before.append("runs", rows_of(ALL["runs"], RUN, 3))
    before.close()
    Staging(tmp_path / "staging").close()
    assert list((tmp_path / "staging").iterdir()) == []


def with_value(table: Table, name: str, value: Any) -> tuple[Any, ...]:
    """Return a row that is NULL except in one column."""
    return tuple(value if column == name else None for column in table.column_names)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("runs", "requests", 1.5),
        ("runs", "requests", 1.0),
        ("runs", "requests", True),
        ("runs", "requests", 2**63),
        ("runs", "requests", "secret"),
        ("runs", "run_date", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("runs", "run_date", "2026-01-01"),
        ("runs", "started_at", 5),
        ("runs", "started_at", dt.date(2026, 1, 1)),
        ("runs", "status", 5),
        ("runs", "status", b"secret"),
        ("runs", "status", "secret \ud800"),
        ("runs", "paced_seconds", "secret"),
        ("promote_image_actions", "disabled", 1),
        ("promote_image_actions", "loop", "secret"),
        ("promote_image_actions", "loop", ["secret", 5]),
        ("trigger_conditions", "trigger_hours", [1, 1.5]),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_column_only(
    tmp_path: Path, table: str, column: str, value: object
) -> None:
    """No value is cut, rounded or converted to make it fit, and the error never shows the value."""
    staging = Staging(tmp_path / "staging")
    with pytest.raises(ValueError, match=rf"^{table}\.{column} is ") as caught:
        staging.append(table, [with_value(ALL[table], column, value)])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_row_of_another_length_is_refused() -> None:
    """A row must have one value for each column."""
    row = rows_of(ALL["runs"], RUN, 1)[0]
    for rows in ([row[:-1]], [row, row[:-1]]):
        with pytest.raises(ValueError, match="zip"):
            record_batch(ALL["runs"], rows)


def test_times_are_utc_without_a_zone() -> None:
    """A time with a zone is stored as the same moment in UTC; one without is UTC already."""
    at = dt.datetime(2026, 11, 23, 3, 15, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    rows = [with_value(ALL["runs"], "started_at", value) for value in (at, dt.datetime(2026, 11, 23, 2, 15))]
    assert len(set(record_batch(ALL["runs"], rows)["started_at"].to_pylist())) == 1


async def test_parts_are_written_in_a_thread_beside_appending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a thread writes full parts, appending continues and every row is written once, in order."""
    monkeypatch.setattr(staging_module, "PART_ROWS", 100)
    staging = Staging(tmp_path / "staging")
    rows = rows_of(ALL["actions"], RUN, 1_000)
    writing = asyncio.create_task(asyncio.to_thread(staging.write_full))
    for start in range(0, 1_000, 10):
        staging.append("actions", rows[start : start + 10])
        if writing.done():
            writing = asyncio.create_task(asyncio.to_thread(staging.write_full))
        await asyncio.sleep(0)
    await writing
    parts = await asyncio.to_thread(staging.close)
    assert len(parts["actions"]) == 10
    assert read(parts["actions"], ALL["actions"]).equals(table_of(ALL["actions"], RUN, 1_000))


FILL = """
import pathlib, resource, sys
from collector.errors import NotPublished
from collector.lake.staging import Staging
from collector.lake.tables import ALL
staging = Staging(pathlib.Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
row = tuple(None for _ in ALL["actions"].columns)
try:
    staging.append("actions", [row] * 100)
    staging.close()
except NotPublished as error:
    print(error.exit_code, error, error.advice)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_leaves_the_run_resumable(tmp_path: Path) -> None:
    """When the disk is too full to write a part, the run ends with exit code 3 and says so."""
    command = [sys.executable, "-W", "error", "-c", FILL, str(tmp_path / "staging")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("3 no room to write")
    assert "run the same command again" in said.stdout
    assert said.stderr == ""

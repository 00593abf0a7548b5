"""Verification: each kind of damage is reported with its table and the damaged runs, and never raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet as pq

from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.local_files import sha256_of
from collector.lake.manifest import FILE_NAME, FileEntry, encode
from collector.lake.verify import FileDamage, verify
from tests.lake.published_runs import NOW, publish_run, run_entry


@pytest.fixture
def filled_lake(lake: Lake) -> Lake:
    """A lake with two runs."""
    for day in (0, 1):
        publish_run(lake, day)
    return lake


def test_an_intact_lake_has_no_findings(filled_lake: Lake) -> None:
    """An intact lake has no findings, before and after compaction."""
    assert verify(filled_lake) == []
    with filled_lake.writing("compact", NOW):
        compact(filled_lake, now=NOW)
    assert verify(Lake.open(filled_lake.path)) == []


def remove(path: Path) -> None:
    """Delete the file."""
    path.unlink()


def truncate(path: Path) -> None:
    """Cut the end of the file with its footer."""
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    """Flip one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)


def garbage(path: Path) -> None:
    """Replace the content by other bytes of the same length."""
    path.write_bytes(b"x" * path.stat().st_size)


def directory(path: Path) -> None:
    """Replace the file by a directory."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (remove, ["missing"]),
        (truncate, ["size", "unreadable"]),
        (flip, ["hash"]),
        (garbage, ["hash", "unreadable"]),
        (directory, ["missing"]),
    ],
)
def test_damage_is_reported_with_the_damaged_runs(
    filled_lake: Lake, damage: Callable[[Path], None], kinds: list[str]
) -> None:
    """Whatever the damage, findings name the file, its table and its runs; the other files are read too."""
    paths = [filled_lake.files(table)[0][0] for table in ("actions", "runs")]
    for path in paths:
        damage(path)
    found = verify(Lake.open(filled_lake.path))
    assert [(f.table, f.kind) for f in found] == [
        (table, kind) for table in filled_lake.manifest.tables if table in {"actions", "runs"} for kind in kinds
    ]
    for finding in found:
        assert finding.runs == (run_entry(0).run_id,)
        assert (filled_lake.path / finding.path) in paths
        assert finding.message


def verify_with_entry(lake: Lake, table: str, **changes: object) -> list[FileDamage]:
    """Return the findings when the manifest says something else about the first file of a table."""
    first, *rest = lake.manifest.tables[table]
    changed: FileEntry = msgspec.structs.replace(first, **changes)
    manifest = msgspec.structs.replace(lake.manifest, tables={table: [changed, *rest]})
    (lake.path / FILE_NAME).write_bytes(encode(manifest))
    return verify(Lake.open(lake.path))


def test_rows_and_columns_are_compared_with_the_manifest(filled_lake: Lake) -> None:
    """A readable file with other rows or columns than the manifest says is found too."""
    [rows] = verify_with_entry(filled_lake, "actions", rows=8)
    assert (rows.kind, rows.message) == ("rows", "it has 7 rows instead of 8")
    [schema] = verify_with_entry(filled_lake, "actions", schema="0" * 16)
    assert schema.kind == "schema"
    assert "types or order" in schema.message


def test_columns_that_differ_are_named(filled_lake: Lake) -> None:
    """The message names the columns that are unknown to this version or missing."""
    path = filled_lake.files("actions")[0][0]
    rows = pq.read_table(path, partitioning=None).rename_columns({"extra": "surplus"})
    pq.write_table(rows, path)
    size, sha256 = path.stat().st_size, sha256_of(path)
    [finding] = verify_with_entry(filled_lake, "actions", bytes=size, sha256=sha256)
    assert "extra, surplus" in finding.message


def test_a_file_that_cannot_be_opened_is_a_finding(filled_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails while reading does not end the verification."""

    def fail(path: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("collector.lake.verify.sha256_of", fail)
    found = verify(filled_lake)
    assert len(found) == sum(map(len, filled_lake.manifest.tables.values()))
    assert {finding.kind for finding in found} == {"unreadable"}

"""Verification: each kind of damage is named, with its table and the runs harmed, and never raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet as pq

from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.manifest import FILE_NAME, FileEntry, encode
from collector.lake.verify import FileDamage, verify
from tests.lake.nights import NOW, publish_night, run_entry


@pytest.fixture
def nights(lake: Lake) -> Lake:
    """Two nights."""
    for day in (0, 1):
        publish_night(lake, day)
    return lake


def test_a_whole_lake_has_no_findings(nights: Lake) -> None:
    """Nothing is found where nothing is wrong, before and after compaction; an empty lake is whole."""
    assert verify(nights) == []
    with nights.writing("compact", NOW):
        compact(nights, now=NOW)
    assert verify(Lake.open(nights.path)) == []


def remove(path: Path) -> None:
    """The file is gone."""
    path.unlink()


def truncate(path: Path) -> None:
    """The end of the file is gone, and with it the footer."""
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    """One bit in the middle is another."""
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)


def garbage(path: Path) -> None:
    """As many other bytes."""
    path.write_bytes(b"x" * path.stat().st_size)


def directory(path: Path) -> None:
    """A directory stands there."""
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
def test_damage_is_a_finding_with_the_runs_harmed(
    nights: Lake, damage: Callable[[Path], None], kinds: list[str]
) -> None:
    """Whatever happened to a file, findings name it, its table and its runs; the others are looked at."""
    paths = [nights.files(table)[0][0] for table in ("actions", "runs")]
    for path in paths:
        damage(path)
    found = verify(Lake.open(nights.path))
    assert [(f.table, f.kind) for f in found] == [
        (table, kind) for table in nights.manifest.tables if table in {"actions", "runs"} for kind in kinds
    ]
    for finding in found:
        assert finding.runs == (run_entry(0).run_id,)
        assert nights.storage.locate(finding.path) in paths
        assert finding.message


def told(lake: Lake, table: str, **changes: object) -> list[FileDamage]:
    """What is found when the manifest says something else about the first file of a table."""
    first, *rest = lake.manifest.tables[table]
    changed: FileEntry = msgspec.structs.replace(first, **changes)
    manifest = msgspec.structs.replace(lake.manifest, tables={table: [changed, *rest]})
    (lake.path / FILE_NAME).write_bytes(encode(manifest))
    return verify(Lake.open(lake.path))


def test_rows_and_columns_are_compared_with_the_manifest(nights: Lake) -> None:
    """A file that is whole but holds other rows or columns than the manifest says is found too."""
    [rows] = told(nights, "actions", rows=8)
    assert (rows.kind, rows.message) == ("rows", "it has 7 rows instead of 8")
    [schema] = told(nights, "actions", schema="0" * 16)
    assert schema.kind == "schema"
    assert "types or order differ" in schema.message


def test_columns_that_differ_are_named(nights: Lake) -> None:
    """The message says which columns are strange to this version and which are lacking."""
    path = nights.files("actions")[0][0]
    rows = pq.read_table(path, partitioning=None).rename_columns({"extra": "surplus"})
    pq.write_table(rows, path)
    entry = nights.manifest.tables["actions"][0]
    size, sha256 = path.stat().st_size, nights.storage.sha256(entry.path)
    [finding] = told(nights, "actions", bytes=size, sha256=sha256)
    assert "it has surplus; it lacks extra" in finding.message


def test_a_file_that_cannot_be_opened_is_a_finding(nights: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails while reading does not end the verification."""

    def fail(path: str) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(nights.storage, "sha256", fail)
    found = verify(nights)
    assert len(found) == sum(map(len, nights.manifest.tables.values()))
    assert {finding.kind for finding in found} == {"unreadable"}

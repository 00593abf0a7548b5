"""The manifest: what is written is read back, and what cannot be believed is refused."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import LakeError
from collector.lake.manifest import FORMAT, FileEntry, Manifest, RetiredFile, RunEntry, decode, encode
from tests.lake.published_runs import run_entry

TIMES = st.integers(0, 10**15).map(lambda us: dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=us))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Any manifest that a program could have written."""
    runs = [run_entry(day) for day in sorted(draw(st.sets(st.integers(0, 400), max_size=5)))]
    tables: dict[str, list[FileEntry]] = {}
    for table in draw(st.sets(st.sampled_from(["actions", "runs", "new_table"]))):
        tables[table] = [
            FileEntry(
                path=f"tables/{table}/run_month=2026-11/{name}.parquet",
                rows=draw(st.integers(0, 10**12)),
                bytes=draw(st.integers(0, 10**15)),
                sha256=f"{draw(st.integers(0, 2**256 - 1)):064x}",
                schema=draw(st.text()),
                runs=[run.run_id for run in runs],
                run_month="2026-11",
            )
            for name in draw(st.sets(NAMES, max_size=4))
        ]
    retired = [
        RetiredFile(path=f"tables/runs/{name}", retired_at=draw(TIMES)) for name in draw(st.sets(NAMES, max_size=3))
    ]
    return Manifest(
        sequence=draw(st.integers(0, 2**40)),
        published_at=draw(st.none() | TIMES),
        history_begins=runs[0].run_id if runs else None,
        runs=runs,
        tables=tables,
        retired=retired,
    )


@given(manifests())
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    """Encoding and decoding give the same manifest, to the microsecond and the last letter."""
    assert decode(encode(manifest)) == manifest


@given(manifests(), st.data())
def test_a_cut_or_altered_manifest_is_refused_or_understood(manifest: Manifest, data: st.DataObject) -> None:
    """Whatever happens to its bytes, the answer is a manifest or a LakeError: never another exception."""
    content = bytearray(encode(manifest))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut]), bytes(content[cut:])):
        with suppress(LakeError):
            assert isinstance(decode(damaged), Manifest)


def plain_with_one_file(**changes: Any) -> bytes:
    """A manifest with one file, some members of the file's entry changed."""
    entry = {
        "path": "tables/runs/run_month=2026-11/a.parquet",
        "rows": 1,
        "bytes": 2,
        "sha256": "0" * 64,
        "schema": "f",
        "runs": [run_entry(0).run_id],
        "run_month": "2026-11",
    }
    return json.dumps({"format": FORMAT, "tables": {"runs": [{**entry, **changes}]}}).encode()


def test_a_plain_file_entry_is_understood() -> None:
    """The entry that the next test spoils is good as it is."""
    assert decode(plain_with_one_file()).live_paths() == {"tables/runs/run_month=2026-11/a.parquet"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "tables/runs/../../../etc/passwd",
        "tables/runs/..",
        "../tables/runs/a",
        "tables/actions/a.parquet",
        "tables\\runs\\a.parquet",
        "tables/runs//a.parquet",
        "tables/runs/./a.parquet",
        "tables/runs/a\0.parquet",
        "tables/runs",
        "",
    ],
)
def test_a_path_that_leaves_its_table_is_damage(path: str) -> None:
    """No path of a manifest is followed out of the table's own folder."""
    with pytest.raises(LakeError, match="damaged"):
        decode(plain_with_one_file(path=path))
    retired = {"path": f"tables/../{path}", "retired_at": "2026-01-01T00:00:00Z"}
    with pytest.raises(LakeError, match="damaged"):
        decode(json.dumps({"format": FORMAT, "retired": [retired]}).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b'{"format": "1"}',
        b'{"format": 0}',
        b'{"format": -3}',
        b'{"format": 1, "sequence": -1}',
        b'{"format": 1, "tables": []}',
        b'{"format": 1, "unheard_of": 1}',
        b'{"format": 1, "published_at": "2026-01-01T00:00:00"}',
        b"\xff\xfe{}",
        b'{"format": 1, "tables": ' + b"[" * 100_000,
        plain_with_one_file(rows=-1),
        plain_with_one_file(sha256="0"),
        plain_with_one_file(runs=["../../x"]),
        plain_with_one_file(runs=[run_entry(0).run_id + "\n"]),
        plain_with_one_file(unheard_of=1),
    ],
)
def test_a_manifest_of_another_shape_is_damage(content: bytes) -> None:
    """Bad JSON, a wrong type, a missing or unknown member: one LakeError that says nothing was changed."""
    with pytest.raises(LakeError, match="damaged") as caught:
        decode(content)
    assert "Nothing was changed" in caught.value.advice
    assert caught.value.exit_code == 2


def test_a_run_or_a_file_named_twice_is_damage() -> None:
    """A manifest that names a run or a file twice is refused, because it would count it twice."""
    run = run_entry(1)
    entry = decode(plain_with_one_file()).tables["runs"][0]
    for manifest in (
        Manifest(runs=[run, run]),
        Manifest(runs=[run, run_entry(0)]),
        Manifest(tables={"runs": [entry] * 2}),
    ):
        with pytest.raises(LakeError, match="damaged"):
            decode(encode(manifest))


def test_a_newer_format_asks_for_an_upgrade() -> None:
    """A manifest of a later format is refused before anything else of it is looked at."""
    with pytest.raises(LakeError, match="format 2") as caught:
        decode(b'{"format": 2, "whatever": [1]}')
    assert "Upgrade the collector" in caught.value.advice


def test_a_run_is_found_by_its_id() -> None:
    """`run` and `latest` look among the published runs only."""
    manifest = Manifest(runs=[run_entry(0), run_entry(4)])
    assert manifest.run(run_entry(4).run_id) == manifest.latest == run_entry(4)
    assert manifest.run(run_entry(2).run_id) is None
    assert Manifest().latest is None
    assert isinstance(run_entry(0), RunEntry)

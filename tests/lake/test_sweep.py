"""Sweeping: only what nobody names, and never a run that goes on."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.lake.lake import GRACE, Lake
from collector.lake.manifest import FileEntry, Manifest, RetiredFile
from collector.lake.storage import Stored
from collector.lake.sweep import leftover_temporaries, sweep, unnamed

from .nights import NOW, files_under, publish_night, run_entry

PATHS = [f"tables/runs/{number}.parquet" for number in range(12)]


@st.composite
def lakes(draw: st.DrawFn) -> tuple[Manifest, list[Stored]]:
    """A manifest with live files and retired ones of any age, and any files that are found."""
    live = draw(st.sets(st.sampled_from(PATHS)))
    retired = draw(st.sets(st.sampled_from(PATHS)))
    ages = st.timedeltas(dt.timedelta(days=-2), dt.timedelta(days=2))
    entry = FileEntry(
        path="", rows=0, bytes=0, sha256="0" * 64, schema="", runs=[run_entry(0).run_id], run_month="2026-10"
    )
    manifest = Manifest(
        tables={"runs": [msgspec.structs.replace(entry, path=path) for path in sorted(live)]},
        retired=[RetiredFile(path=path, retired_at=NOW - draw(ages)) for path in sorted(retired)],
    )
    return manifest, [Stored(path, 1, 0.0) for path in sorted(draw(st.sets(st.sampled_from(PATHS))))]


@given(lakes())
def test_what_is_live_or_within_its_grace_is_never_unnamed(found: tuple[Manifest, list[Stored]]) -> None:
    """A live file stays whatever else is said of it, a retired one stays for its hour, all others go."""
    manifest, files = found
    gone = {item.path for item in unnamed(manifest, files, NOW)}
    young = {item.path for item in manifest.retired if item.retired_at > NOW - GRACE}
    assert gone.isdisjoint(manifest.live_paths() | young)
    assert gone == {item.path for item in files} - manifest.live_paths() - young


@given(
    st.lists(
        st.tuples(st.sampled_from(["manifest.json", "x.tmp", ".tmp", "x.tmp.wal"]), st.floats(-7200, 7200))
    )
)
def test_only_old_temporaries_are_leftovers(files: list[tuple[str, float]]) -> None:
    """A temporary file younger than the grace may have a living writer; other names are never leftovers."""
    found = [Stored(name, 1, NOW.timestamp() - age) for name, age in files]
    left = leftover_temporaries(found, NOW)
    assert all(".tmp" in item.path and item.modified < NOW.timestamp() - 3600 for item in left)
    assert len(left) == sum(".tmp" in name and age > 3600 for name, age in files)


def plant(root: Path, *paths: str) -> None:
    """Files that nobody asked for."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"12345")


def test_orphans_go_and_everything_named_stays(lake: Lake) -> None:
    """Unnamed files below tables/ and the directories they leave empty are removed, and reported."""
    publish_night(lake, 0)
    publish_night(lake, 1)
    named = files_under(lake.path)
    orphans = {"tables/actions/run_month=2026-10/x.parquet", "tables/gone/run_month=2020-01/y.parquet"}
    plant(lake.path, *orphans, "catalog.duckdb", "notes.txt", "runs/notes/n", "young.tmp", "old.tmp")
    os.utime(lake.path / "old.tmp", (0, 0))
    now = run_entry(1).finished_at
    with lake.writing("collect", now):
        swept = sweep(lake, now=now, keep_runs=[])
    assert set(swept.files) == {*orphans, "old.tmp"}
    assert swept.bytes == 15
    assert files_under(lake.path) == named
    assert not (lake.path / "tables/gone").exists()
    for name in ("catalog.duckdb", "notes.txt", "runs/notes/n", "young.tmp", "manifest.json"):
        assert (lake.path / name).exists()


def test_retired_files_go_when_their_grace_is_over(lake: Lake) -> None:
    """The snapshot of the night before is there for an hour after the new night, and then no longer."""
    publish_night(lake, 0)
    old = lake.manifest.tables["action_state"][0].path
    publish_night(lake, 1, now=NOW)
    for now, there in ((NOW + GRACE - dt.timedelta(seconds=1), True), (NOW + GRACE, False)):
        with lake.writing("collect", now):
            sweep(lake, now=now, keep_runs=[])
        assert (lake.path / old).exists() is there


def test_a_run_that_goes_on_keeps_its_directory(lake: Lake) -> None:
    """The running run is spared; other directories go, but for the raw replies of published runs."""
    publish_night(lake, 0)
    published, running, abandoned = (run_entry(day).run_id for day in (0, 1, 2))
    for run_id in (published, running, abandoned):
        plant(
            lake.path,
            f"runs/{run_id}/journal.jsonl",
            f"runs/{run_id}/staging/a/b",
            f"runs/{run_id}/raw/1.json",
        )
    assert lake.resumable_runs() == [running, abandoned]
    with lake.writing("collect", NOW):
        swept = sweep(lake, now=NOW, keep_runs={running})
    assert swept.runs == (abandoned,)
    left = sorted(
        str(p.relative_to(lake.path / "runs")) for p in (lake.path / "runs").rglob("*") if p.is_file()
    )
    names = ("journal.jsonl", "raw/1.json", "staging/a/b")
    assert left == [f"{published}/raw/1.json", *(f"{running}/{name}" for name in names)]


def test_sweeping_needs_the_lock(lake: Lake) -> None:
    """Nobody sweeps beside a run: outside `writing` it is refused."""
    with pytest.raises(RuntimeError):
        sweep(lake, now=NOW, keep_runs=[])

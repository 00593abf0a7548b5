"""Sweeping: only what nothing needs, and never a run that continues."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import SettingsError
from collector.lake.inventory import Inventory, leftovers, path_of, table_file
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE, FileEntry, Manifest, RetiredFile
from collector.lake.sweep import leftover_temporaries, sweep
from tests.lake.published_runs import NOW, files_under, publish_run, run_entry

FILES = [path_of(table, "2026-10", run_entry(day).run_id) for day in range(6) for table in ("runs", "actions")]


@st.composite
def lakes(draw: st.DrawFn) -> tuple[Manifest, Inventory]:
    """A manifest with live files and retired ones of any age, any runs with a journal, and any files that are found."""
    live = draw(st.sets(st.sampled_from(FILES)))
    retired = draw(st.sets(st.sampled_from(FILES)))
    published = draw(st.sets(st.integers(0, 5)))
    ages = st.timedeltas(dt.timedelta(days=-2), dt.timedelta(days=2))
    manifest = Manifest(
        runs=[run_entry(day) for day in sorted(published)],
        tables={table: [entry(path) for path in sorted(live) if f"/{table}/" in path] for table in ("runs", "actions")},
        retired=[RetiredFile(path=path, retired_at=NOW - draw(ages)) for path in sorted(retired)],
    )
    files = [file for path in sorted(draw(st.sets(st.sampled_from(FILES)))) if (file := table_file(path))]
    begun = draw(st.sets(st.sampled_from([run_entry(day).run_id for day in range(6)])))
    return manifest, Inventory(tuple(files), (), frozenset(begun), frozenset())


def entry(path: str) -> FileEntry:
    """A live file of the run in its name."""
    file = table_file(path)
    assert file is not None
    return FileEntry(path=path, rows=0, bytes=0, sha256="0" * 64, schema="", runs=[file.run_id], run_month="2026-10")


@given(lakes())
def test_only_files_that_nothing_needs_are_leftovers(found: tuple[Manifest, Inventory]) -> None:
    """A live file stays, a retired one stays for its hour, and a file that is not named goes only when it was retired
    or its run left a journal without being published.
    """
    manifest, there = found
    gone = {file.path for file in leftovers(there, manifest, NOW)}
    young = {item.path for item in manifest.retired if item.retired_at > NOW - GRACE}
    assert gone.isdisjoint(manifest.live_paths() | young)
    retired = {item.path for item in manifest.retired}
    published = {run.run_id for run in manifest.runs}
    for file in there.files:
        if file.path in gone:
            assert file.path in retired or file.run_id in there.unfinished - published


def test_only_old_temporaries_are_leftovers(tmp_path: Path) -> None:
    """A temporary file younger than the grace may have a living writer; names that the collector does not give, and
    links, are never leftovers.
    """
    for name, age in (
        ("manifest.json", 7200),
        ("x.tmp", 7200),
        ("manifest.json.tmp", 3601),
        ("manifest.json.1.tmp", 9),
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (NOW.timestamp() - age,) * 2)
    (tmp_path / "manifest.json.2.tmp").symlink_to("x.tmp")
    os.utime(tmp_path / "manifest.json.2.tmp", (0, 0), follow_symlinks=False)
    assert leftover_temporaries(tmp_path, NOW) == ["manifest.json.tmp"]


def plant(root: Path, *paths: str) -> None:
    """Write files that the lake does not know."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"12345")


def test_leftovers_go_and_everything_else_stays(lake: Lake, tmp_path: Path) -> None:
    """Files of a run that died are removed, with the directories they leave empty, and reported; whatever is not named
    as the collector names it stays, and so does what lies behind a link.
    """
    publish_run(lake, 0)
    publish_run(lake, 1)
    named = files_under(lake.path)
    died = run_entry(2).run_id
    orphans = {path_of("actions", "2026-10", died), path_of("variables", "2026-11", died)}
    others = {
        "notes.txt", "x.tmp", "catalog.duckdb", "runs/notes/n", "tables/mine/a.csv",
        "tables/actions/run_month=2026-10/x.parquet",
        f"tables/mine/run_month=2026-10/{died}.parquet", f"tables/actions/{died}.parquet", "manifest.json.7.tmp.old",
    }  # fmt: skip
    plant(lake.path, *orphans, *others, "catalog.duckdb.77.tmp", f"runs/{died}/journal.jsonl", f"runs/{died}/mine.txt")
    for path in lake.path.rglob("*"):
        os.utime(path, (0, 0))
    plant(tmp_path, "elsewhere/precious", f"elsewhere/run_month=2026-10/{died}.parquet")
    (lake.path / "tables/permissions").symlink_to(tmp_path / "elsewhere")
    (lake.path / path_of("projects", "2026-10", died)).parent.mkdir(parents=True)
    (lake.path / path_of("projects", "2026-10", died)).symlink_to(tmp_path / "elsewhere/precious")
    (lake.path / "runs" / run_entry(3).run_id).symlink_to(tmp_path / "elsewhere")
    now = run_entry(1).finished_at
    with lake.writing("collect", now):
        assert sweep(lake, now=now, keep_runs=[]) == []
    assert not any((lake.path / name).exists() for name in (*orphans, "catalog.duckdb.77.tmp"))
    assert not (lake.path / "tables/variables").exists()
    assert not (lake.path / f"runs/{died}/journal.jsonl").exists()
    for name in (*named, *others, f"runs/{died}/mine.txt", "manifest.json"):
        assert (lake.path / name).exists(), name
    assert {path.name for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()} == {
        "precious",
        f"{died}.parquet",
    }


def test_what_cannot_be_removed_is_reported_and_keeps_its_journal(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be deleted is reported and stops nothing; the journal that marks it as a leftover stays."""
    publish_run(lake, 0)
    died = run_entry(1).run_id
    stuck, other = path_of("actions", "2026-10", died), path_of("runs", "2026-10", died)
    plant(lake.path, stuck, other, f"runs/{died}/journal.jsonl")
    delete = lake.storage.delete

    def refuse(path: str) -> None:
        if path == stuck:
            raise SettingsError(f"{path} cannot be written: Operation not permitted")
        delete(path)

    monkeypatch.setattr(lake.storage, "delete", refuse)
    with lake.writing("collect", NOW):
        [failure] = sweep(lake, now=NOW, keep_runs=[])
    assert not (lake.path / other).exists()
    assert stuck in failure
    assert (lake.path / f"runs/{died}/journal.jsonl").exists()
    lake.require_consistent()


def test_retired_files_go_when_their_grace_is_over(lake: Lake) -> None:
    """The snapshot of the run before stays for an hour after the new run, and is then removed."""
    publish_run(lake, 0)
    old = lake.manifest.tables["action_state"][0].path
    publish_run(lake, 1, now=NOW)
    for now, there in ((NOW + GRACE - dt.timedelta(seconds=1), True), (NOW + GRACE, False)):
        with lake.writing("collect", now):
            sweep(lake, now=now, keep_runs=[])
        assert (lake.path / old).exists() is there


def test_a_run_that_goes_on_keeps_its_directory(lake: Lake) -> None:
    """The running run is spared; other directories go, but for the raw replies of published runs."""
    publish_run(lake, 0)
    published, running, abandoned = (run_entry(day).run_id for day in (0, 1, 2))
    for run_id in (published, running, abandoned):
        plant(lake.path, f"runs/{run_id}/journal.jsonl", f"runs/{run_id}/staging/a/b", f"runs/{run_id}/raw/1.json")
    assert lake.resumable_runs() == [running, abandoned]
    with lake.writing("collect", NOW):
        assert sweep(lake, now=NOW, keep_runs={running}) == []
    assert not lake.runs.path(abandoned).exists()
    left = sorted(str(p.relative_to(lake.path / "runs")) for p in (lake.path / "runs").rglob("*") if p.is_file())
    names = ("journal.jsonl", "raw/1.json", "staging/a/b")
    assert left == [f"{published}/raw/1.json", *(f"{running}/{name}" for name in names)]


def test_sweeping_needs_the_lock(lake: Lake) -> None:
    """Sweeping outside `writing` is refused, so it never happens during a run."""
    with pytest.raises(RuntimeError):
        sweep(lake, now=NOW, keep_runs=[])

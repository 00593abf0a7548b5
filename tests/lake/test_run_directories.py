"""Directories of runs: ids that sort by time, and what may be resumed."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import LakeError
from collector.lake.run_directories import RunDirectories, new_run_id, started_at

AT = dt.datetime(2026, 11, 23, 3, 15, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def test_an_id_is_made_from_the_utc_start_and_randomness() -> None:
    """The same clock and seed give the same id; the id says when the run began, in UTC."""
    run_id = new_run_id(AT, random.Random(3))
    assert run_id == new_run_id(AT, random.Random(3)) != new_run_id(AT, random.Random(4))
    assert run_id.startswith("20261123T021500Z-")
    assert started_at(run_id) == AT


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=9, unique=True), st.integers())
def test_ids_sort_by_time(seconds: list[int], seed: int) -> None:
    """Ids in order of text are ids in order of time."""
    rng = random.Random(seed)
    times = [AT + dt.timedelta(seconds=second) for second in seconds]
    ids = {new_run_id(at, rng): at for at in times}
    assert [ids[run_id] for run_id in sorted(ids)] == sorted(times)


@given(st.lists(st.integers(-10, 10), min_size=2, max_size=9), st.sampled_from(["000000", "fffffd", "ffffff"]))
def test_a_later_run_has_a_later_id_whatever_the_clock_does(steps: list[int], number: str) -> None:
    """Even when the clock stands still or is set back, each id is a run id and sorts after the one before."""
    rng, at = random.Random(1), AT
    ids = [f"20261123T021500Z-{number}"]
    for step in steps:
        at += dt.timedelta(seconds=step)
        ids.append(new_run_id(at, rng, ids[-1]))
        assert started_at(ids[-1]) >= max(started_at(ids[-2]), at)
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    "text", ["", "x", "../20261123T021500Z-7f3a9c", "20261123T021500Z-7f3a9c\n", "20269923T021500Z-7f3a9c"]
)
def test_other_texts_are_not_run_ids(text: str) -> None:
    """An id that is not one is a LakeError that shows what one looks like."""
    with pytest.raises(LakeError, match="not a run id"):
        started_at(text)


def test_a_run_with_a_journal_can_be_resumed(tmp_path: Path) -> None:
    """Unpublished runs with a journal, oldest first; other directories are not runs."""
    runs = RunDirectories(tmp_path)
    assert runs.all() == runs.resumable([]) == []
    ids = [new_run_id(AT + dt.timedelta(days=day), random.Random(day)) for day in (2, 0, 1, 3)]
    for run_id in ids:
        runs.create(run_id)
    for run_id in ids[:3]:
        (runs.path(run_id) / "journal.jsonl").touch()
    (tmp_path / "runs" / "notes").mkdir()
    assert runs.all() == sorted(ids)
    assert runs.resumable([ids[0]]) == [ids[1], ids[2]]


def test_removing_spares_the_raw_replies_if_asked(tmp_path: Path) -> None:
    """A finished run leaves its raw replies when they are kept, nothing otherwise; twice is no error."""
    runs = RunDirectories(tmp_path)
    run_id = new_run_id(AT, random.Random(1))
    (runs.create(run_id) / "journal.jsonl").touch()
    (runs.staging(run_id) / "actions").mkdir(parents=True)
    (runs.path(run_id) / "raw").mkdir()
    (runs.path(run_id) / "raw" / "1.json").touch()
    runs.remove(run_id, keep_raw=True)
    assert sorted(path.name for path in runs.path(run_id).rglob("*")) == ["1.json", "raw"]
    runs.remove(run_id)
    runs.remove(run_id)
    assert not runs.path(run_id).exists()

"""Pruning: old nights go, what is known stays, and history says where it begins."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import msgspec
import pytest

from collector.errors import LakeError, UsageError
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import Pruned, prune
from collector.lake.publish import publish
from collector.lake.sweep import sweep
from collector.lake.tables import ALL
from collector.lake.verify import verify
from tests.lake.published_runs import (
    FIRST_RUN,
    NOW,
    RUN_TABLES,
    SNAPSHOT_TABLES,
    Died,
    MortalStorage,
    dataset,
    files_under,
    publish_run,
    run_entry,
    table_of,
)

PRUNED_AT = NOW.replace(month=11, day=20)
# Nights 0 to 2 are in October, 3 and 4 in November.
NIGHTS = range(5)


def nights_in(lake: Lake, *, compacted: bool) -> Lake:
    """Five nights, merged by month or as they came."""
    for day in NIGHTS:
        publish_run(lake, day, count=3)
    if compacted:
        with lake.writing("compact", NOW):
            compact(lake, now=NOW)
    return lake


def pruned(lake: Lake, first_kept: int) -> Pruned:
    """Prune so that the nights from `first_kept` on stay."""
    keep_days = (PRUNED_AT.date() - (FIRST_RUN.date() + dt.timedelta(days=first_kept))).days
    with lake.writing("prune", PRUNED_AT):
        return prune(lake, keep_days=keep_days, now=PRUNED_AT)


@pytest.mark.parametrize("first_kept", [None, 3])
def test_a_run_that_another_machine_has_published_stays(lake: Lake, first_kept: int | None) -> None:
    """Who compacts or prunes and finds another manifest than it began with does it again, with the new run."""
    nights_in(lake, compacted=False)
    stale = Lake.open(lake.path)
    publish_run(lake, 5, count=3)
    before = dataset(lake)
    with stale.locked("test", PRUNED_AT):
        if first_kept is None:
            compact(stale, now=NOW)
        else:
            prune(stale, keep_days=(PRUNED_AT.date() - run_entry(first_kept).run_date).days, now=PRUNED_AT)
    lake.reload()
    assert [run.run_id for run in lake.manifest.runs] == [run_entry(day).run_id for day in range(first_kept or 0, 6)]
    if first_kept is None:
        assert dataset(lake) == before
        assert {len(lake.manifest.tables[name]) for name in RUN_TABLES} == {2}
    assert verify(lake) == []


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("first_kept", [1, 3, 4])
def test_older_nights_go_and_the_rest_stays(lake: Lake, compacted: bool, first_kept: int) -> None:
    """Exactly the rows of dropped nights go, also out of files that they share with kept ones."""
    nights_in(lake, compacted=compacted)
    before = dataset(lake)
    done = pruned(lake, first_kept)
    kept = [run_entry(day).run_id for day in NIGHTS if day >= first_kept]
    assert done.runs == tuple(run_entry(day).run_id for day in range(first_kept))
    assert done.rows == 3 * first_kept * len(RUN_TABLES)
    assert done.history_begins == kept[0]
    reader = Lake.open(lake.path)
    assert reader.manifest.history_begins == kept[0]
    assert [run.run_id for run in reader.manifest.runs] == kept
    assert verify(reader) == []
    for table, rows in dataset(reader).items():
        wanted = before[table] if table in SNAPSHOT_TABLES else [r for r in before[table] if r["run_id"] in kept]
        assert rows == wanted
    named = {run for entries in reader.manifest.tables.values() for entry in entries for run in entry.runs}
    assert named == set(kept)


def test_a_second_prune_has_nothing_to_do(lake: Lake) -> None:
    """Pruning to the same day again changes nothing, and history still begins where it began."""
    nights_in(lake, compacted=True)
    pruned(lake, 2)
    before = lake.manifest
    assert pruned(lake, 2) == Pruned((), 0, 0, run_entry(2).run_id)
    assert Lake.open(lake.path).manifest == before


def test_the_newest_night_stays_however_old(lake: Lake) -> None:
    """When nights stopped coming long ago the last of them still answers; an empty lake stays empty."""
    assert pruned(lake, 2) == Pruned((), 0, 0, None)
    nights_in(lake, compacted=True)
    with lake.writing("prune", NOW):
        done = prune(lake, keep_days=0, now=NOW)
    assert done.history_begins == run_entry(4).run_id
    assert [run.run_id for run in Lake.open(lake.path).manifest.runs] == [run_entry(4).run_id]
    assert {table: len(rows) for table, rows in dataset(lake).items()} == dict.fromkeys(
        (*RUN_TABLES, *SNAPSHOT_TABLES), 3
    )


def published_at(lake: Lake, *moments: dt.datetime) -> None:
    """Publish a night at each of these times."""
    for number, at in enumerate(moments):
        run = msgspec.structs.replace(
            run_entry(0), run_id=f"20261029T021500Z-{number:06x}", run_date=at.date(), started_at=at, finished_at=at
        )
        with lake.writing("collect", at):
            publish(lake, run, {"runs": table_of(ALL["runs"], run, 1).to_batches()}, now=at)


@pytest.mark.parametrize(("keep_days", "ages"), [(0, (2, 1, 0)), (400, (402, 400, 0))])
def test_a_clock_that_is_years_ahead_drops_nothing_that_the_right_one_would_keep(
    lake: Lake, keep_days: int, ages: tuple[int, ...]
) -> None:
    """Where the newest night began long before now, age is counted from that night."""
    published_at(lake, *(NOW - dt.timedelta(days=days) for days in ages))
    with lake.writing("prune", NOW):
        done = prune(lake, keep_days=keep_days, now=NOW + dt.timedelta(days=1461))
    assert len(done.runs) == (1 if keep_days else 2)


@pytest.mark.parametrize("ahead", [1, 6, 7])
def test_few_nights_far_ahead_of_all_others_drop_nothing(lake: Lake, ahead: int) -> None:
    """Nights dated years after the others may be a wrong clock's: pruning is refused and says why.
    Seven are believed.
    """
    later = NOW + dt.timedelta(days=1461)
    published_at(lake, NOW, NOW + dt.timedelta(days=1), *(later + dt.timedelta(days=n) for n in range(ahead)))
    now = later + dt.timedelta(days=ahead)
    if ahead == 7:
        with lake.writing("prune", now):
            assert len(prune(lake, keep_days=400, now=now).runs) == 2
        return
    with pytest.raises(LakeError, match="days after"), lake.writing("prune", now):
        prune(lake, keep_days=400, now=now)
    assert len(Lake.open(lake.path).manifest.runs) == 2 + ahead


def test_a_file_retired_under_a_fast_clock_is_swept(lake: Lake) -> None:
    """Files that a run four years ahead retired do not stay for four years."""
    nights_in(lake, compacted=False)
    with lake.writing("compact", NOW):
        compact(lake, now=NOW + dt.timedelta(days=1461))
    assert lake.manifest.retired
    with lake.writing("collect", NOW):
        sweep(lake, now=NOW, keep_runs=[])
    assert files_under(lake.path) == lake.manifest.live_paths()


def test_nothing_pruned_says_no_beginning(lake: Lake) -> None:
    """History that was never cut begins with its first night, and nothing is said about it."""
    nights_in(lake, compacted=False)
    assert pruned(lake, 0).history_begins is None


def test_negative_days_are_a_mistake(lake: Lake) -> None:
    """A negative number of days is refused before anything is looked at."""
    with pytest.raises(UsageError), lake.writing("prune", NOW):
        prune(lake, keep_days=-1, now=NOW)


def test_a_reader_of_the_old_manifest_is_not_disturbed(lake: Lake) -> None:
    """Dropped files stay for the grace period."""
    nights_in(lake, compacted=True)
    reader = Lake.open(lake.path)
    before = dataset(reader)
    pruned(lake, 1)
    with lake.writing("collect", PRUNED_AT):
        sweep(lake, now=PRUNED_AT, keep_runs=[])
    assert dataset(reader) == before


def test_dying_at_any_step_leaves_history_before_or_after(tmp_path: Path) -> None:
    """Wherever a prune dies, a reader sees all nights or the kept ones, and the next prune finishes."""
    original = nights_in(Lake.create(tmp_path / "original"), compacted=True)
    before = dataset(original)
    undisturbed = Lake.create(Path(shutil.copytree(original.path, tmp_path / "undisturbed")))
    pruned(undisturbed, 1)
    after = dataset(undisturbed)
    step, reached, seen = 0, True, set()
    while reached:
        step += 3
        lake = Lake.create(Path(shutil.copytree(original.path, tmp_path / f"dies-{step}")))
        lake.storage = mortal = MortalStorage(lake.path, dies_at=step)
        try:
            pruned(lake, 1)
            reached = False
        except Died:
            reached = mortal.steps == step
        reader = Lake.open(lake.path)
        found = dataset(reader)
        assert found in (before, after)
        seen.add(found == after)
        assert verify(reader) == []
        again = Lake.create(lake.path)
        with again.writing("prune", PRUNED_AT):
            sweep(again, now=PRUNED_AT, keep_runs=[])
        pruned(again, 1)
        assert dataset(Lake.open(lake.path)) == after
        assert files_under(lake.path) == again.manifest.live_paths() | {r.path for r in again.manifest.retired}
    assert step > 14
    assert seen == {False, True}

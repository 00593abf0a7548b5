"""Readers beside writers: whatever is published, merged, dropped and swept meanwhile, they see one whole lake."""

import datetime as dt
import threading
from pathlib import Path

import pytest

import collector
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.lake.sweep import sweep
from tests.faults.ledger import Ledger
from tests.lake.nights import publish_night, run_entry

# How many rows a table of each night has, all tables alike: two nights next to each other never as many.
TABLES = ("actions", "promote_image_actions", "problems", "runs")
EACH_TABLE = "\nunion all\n".join(
    f"select '{name}' as t, run_id, count(*) as n from {name} group by run_id" for name in TABLES
)
# A snapshot is of the newest night; a lake of mixed nights would show another.
SNAPSHOT = "select 'snapshot' as t, run_id, count(*) as n from last_known_actions group by run_id"


def _count(day: int) -> int:
    return 3 + day % 7


class Writer(threading.Thread):
    """Publishes nights one after another, and now and then merges and prunes them, sweeping all the while.

    Its clock runs twenty minutes a night, so that the grace of superseded files ends while readers read.
    """

    def __init__(self, lake: Path, nights: int, keep_days: int) -> None:
        super().__init__(name="writer")
        self.done = {"publish": 1, "compact": 0, "prune": 0, "sweep": 0}
        self.error: Exception | None = None
        self._nights, self._keep_days = nights, keep_days
        self._lake = Lake.create(lake)
        self._now = run_entry(0).finished_at
        publish_night(self._lake, 0, count=_count(0), now=self._now)

    def run(self) -> None:
        try:
            for day in range(1, self._nights):
                self._now += dt.timedelta(minutes=20)
                publish_night(self._lake, day, count=_count(day), now=self._now)
                self.done["publish"] += 1
                self._upkeep(day)
        except Exception as error:
            self.error = error

    def _upkeep(self, day: int) -> None:
        with self._lake.writing("upkeep", self._now):
            if day % 5 == 0:
                compact(self._lake, now=run_entry(day).finished_at, current_month=True)
                self.done["compact"] += 1
            if day % 3 == 0:
                prune(self._lake, keep_days=self._keep_days, now=run_entry(day).finished_at)
                self.done["prune"] += day > self._keep_days
            self.done["sweep"] += bool(sweep(self._lake, now=self._now, keep_runs=()).files)


def _look(path: Path) -> int:
    """Ask once, and check that what came is one whole lake; returns the number of its nights."""
    asked = collector.open_lake(path).sql(f"{EACH_TABLE}\nunion all\n{SNAPSHOT}")
    rows = asked.table.to_pylist()
    assert asked.run is not None
    seen: dict[str, dict[str, int]] = {}
    for row in rows:
        seen.setdefault(row["t"], {})[row["run_id"]] = row["n"]
    for name in TABLES:
        assert seen[name] == seen["actions"], "tables of different nights"
    for run_id, count in seen["actions"].items():
        assert count == _count(int(run_id[-6:], 16)), "half a night"
    newest = max(seen["actions"])
    assert asked.run.run_id == newest
    assert seen["snapshot"] == {newest: seen["actions"][newest]}
    return len(seen["actions"])


def _race(path: Path, nights: int, keep_days: int, ledger: Ledger) -> None:
    writer = Writer(path, nights, keep_days)
    looks = [0, 0]
    errors: list[Exception] = []

    def reading(number: int) -> None:
        try:
            while writer.is_alive() or not looks[number]:
                _look(path)
                assert collector.open_lake(path).ask("problems_last_night").run is not None
                looks[number] += 1
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=reading, args=(number,)) for number in range(len(looks))]
    writer.start()
    for reader in readers:
        reader.start()
    for thread in [writer, *readers]:
        thread.join()
    assert writer.error is None
    assert errors == []
    assert min(writer.done.values()) >= 1, writer.done
    changes = writer.done["publish"] + writer.done["compact"] + writer.done["prune"]
    ledger.note("reader beside publishes, merges, prunes", 0, injected=changes, runs=2 * sum(looks))


def test_a_reader_always_sees_one_whole_lake(tmp_path: Path, ledger: Ledger) -> None:
    """Two readers ask without pause while nights are published, merged, pruned and swept: no error, no mixed nights."""
    _race(tmp_path / "lake", 16, 9, ledger)


@pytest.mark.faults
def test_readers_through_hundreds_of_changes(tmp_path: Path, ledger: Ledger) -> None:
    """The same through hundreds of publishes, merges and prunes."""
    _race(tmp_path / "lake", 300, 25, ledger)

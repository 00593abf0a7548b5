"""Readers see one consistent lake while runs are published, merged, pruned and swept."""

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
from tests.lake.published_runs import files_under, publish_run, run_entry

# Every table has the same number of rows per run, and consecutive runs have different numbers.
TABLES = ("actions", "promote_image_actions", "problems", "runs")
EACH_TABLE = "\nunion all\n".join(
    f"select '{name}' as t, run_id, count(*) as n from {name} group by run_id" for name in TABLES
)
# The snapshot is that of the newest run.
SNAPSHOT = "select 'snapshot' as t, run_id, count(*) as n from last_known_actions group by run_id"


def _count(day: int) -> int:
    return 3 + day % 7


class Writer(threading.Thread):
    """Publishes runs one after another, and merges, prunes and sweeps the lake.

    Its clock advances twenty minutes per run, so that the grace period of superseded files ends while readers read.
    """

    def __init__(self, lake: Path, runs: int, keep_days: int) -> None:
        super().__init__(name="writer")
        self.done = {"publish": 1, "compact": 0, "prune": 0, "sweep": 0}
        self.error: Exception | None = None
        self._runs, self._keep_days = runs, keep_days
        self._lake = Lake.create(lake)
        self._now = run_entry(0).finished_at
        publish_run(self._lake, 0, count=_count(0), now=self._now)

    def run(self) -> None:
        try:
            for day in range(1, self._runs):
                self._now += dt.timedelta(minutes=20)
                publish_run(self._lake, day, count=_count(day), now=self._now)
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
            before = files_under(self._lake.path)
            assert sweep(self._lake, now=self._now, keep_runs=()) == []
            self.done["sweep"] += before != files_under(self._lake.path)


def _query(path: Path) -> int:
    """Query once and check that the rows are of one state of the lake; return the number of its runs."""
    asked = collector.open_lake(path).sql(f"{EACH_TABLE}\nunion all\n{SNAPSHOT}")
    rows = asked.table.to_pylist()
    assert asked.run is not None
    seen: dict[str, dict[str, int]] = {}
    for row in rows:
        seen.setdefault(row["t"], {})[row["run_id"]] = row["n"]
    for name in TABLES:
        assert seen[name] == seen["actions"], "tables of different states"
    for run_id, count in seen["actions"].items():
        assert count == _count(int(run_id[-6:], 16)), "an incomplete run"
    newest = max(seen["actions"])
    assert asked.run.run_id == newest
    assert seen["snapshot"] == {newest: seen["actions"][newest]}
    return len(seen["actions"])


def _race(path: Path, runs: int, keep_days: int, ledger: Ledger) -> None:
    writer = Writer(path, runs, keep_days)
    queries = [0, 0]
    errors: list[Exception] = []

    def reading(number: int) -> None:
        try:
            while writer.is_alive() or not queries[number]:
                _query(path)
                assert collector.open_lake(path).ask("problems_last_night").run is not None
                queries[number] += 1
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=reading, args=(number,)) for number in range(len(queries))]
    writer.start()
    for reader in readers:
        reader.start()
    for thread in [writer, *readers]:
        thread.join()
    assert writer.error is None
    assert errors == []
    assert min(writer.done.values()) >= 1, writer.done
    changes = writer.done["publish"] + writer.done["compact"] + writer.done["prune"]
    ledger.note("readers during publishes, merges, prunes", 0, injected=changes, runs=2 * sum(queries))


def test_a_reader_sees_one_consistent_lake(tmp_path: Path, ledger: Ledger) -> None:
    """Two readers query without pause while runs are published, merged, pruned and swept: no error, no mixed state."""
    _race(tmp_path / "lake", 16, 9, ledger)


@pytest.mark.faults
def test_readers_through_hundreds_of_changes(tmp_path: Path, ledger: Ledger) -> None:
    """The same through hundreds of publishes, merges and prunes."""
    _race(tmp_path / "lake", 300, 25, ledger)

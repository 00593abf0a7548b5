"""Readers beside writers: never an error, never two states mixed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from pyarrow import parquet as pq

from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.lake.sweep import sweep
from tests.lake.published_runs import publish_run, run_entry

READERS = 2
SECONDS = 3.0
TABLES = ("runs", "actions", "last_known_actions")


class Reader(threading.Thread):
    """Opens the lake and reads every file it names, over and over, noting what is not as it should be."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        super().__init__()
        self.path = path
        self.stop = stop
        self.reads = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        sequence = 0
        while not self.stop.is_set() and not self.wrong:
            lake = Lake.open(self.path)
            try:
                self.look(lake)
                if lake.manifest.sequence < sequence:
                    self.wrong.append(f"sequence {lake.manifest.sequence} after {sequence}")
                sequence = lake.manifest.sequence
                self.reads += 1
            except FileNotFoundError as error:
                # Each publish here is a day later. Two of them outlast the hour for which superseded files stay,
                # and a reader that the machine holds up for so long has to open the lake again.
                if Lake.open(self.path).manifest.sequence < lake.manifest.sequence + 2:
                    self.wrong.append(repr(error))
            except Exception as error:
                self.wrong.append(repr(error))

    def look(self, lake: Lake) -> None:
        """Each visible run has its rows in every table, once, and no other run has any."""
        runs = sorted(run.run_id for run in lake.manifest.runs)
        for table in TABLES:
            files = [path for path, _ in lake.files(table)]
            found = sorted(
                run for path in files for run in pq.read_table(path, partitioning=None)["run_id"].to_pylist()
            )
            expected = runs[-1:] if table == "last_known_actions" else runs
            if found != sorted(expected * 2):
                self.wrong.append(f"{table}: {found} instead of {expected}")


def test_readers_never_see_an_error_or_a_mixture(lake: Lake) -> None:
    """While runs are published, merged, dropped and swept, every read sees one consistent published state."""
    publish_run(lake, 0, count=2)
    stop = threading.Event()
    readers = [Reader(lake.path, stop) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    ends, day = time.monotonic() + SECONDS, 0
    # However slow the machine, enough must have happened to be seen.
    while (time.monotonic() < ends or lake.manifest.sequence <= 15) and not any(r.wrong for r in readers):
        day += 1
        publish_run(lake, day, count=2)
        now = run_entry(day).finished_at
        with lake.writing("compact", now):
            sweep(lake, now=now, keep_runs=[])
            if day % 5 == 0:
                compact(lake, now=now, current_month=True)
            if day % 7 == 0:
                prune(lake, keep_days=4, now=now)
    stop.set()
    for reader in readers:
        reader.join()
    assert [reader.wrong for reader in readers] == [[]] * READERS
    assert min(reader.reads for reader in readers) > 10
    assert lake.manifest.sequence > 15

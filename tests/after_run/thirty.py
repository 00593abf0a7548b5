"""Daily runs as cron would start them: a Buddy whose world, faults and limits change, and a simulated clock.

Each night is the documented command's own code (`collect_and_follow_up`, with its files afterwards), a day later by the
clock it is given. What a night should have said is worked out again in Python, from the rows themselves.
"""

import ctypes
import gc
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from collector import open_lake
from collector.cli.collect import collect_and_follow_up
from collector.crawl.fetch_result import RetryScheduled
from collector.errors import CollectorError
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.lake import Lake
from collector.lake.tables import PROMOTE_IMAGE_ACTIONS
from collector.settings.declarations import AfterRun, Installation, Settings
from collector.settings.secret import Secret
from tests.faults.runs import SHORT_TIMEOUTS

FIRST = datetime(2026, 10, 14, 2, 15, tzinfo=UTC)
TOKEN = "nightly-token-123"
KEY = ("installation", "workspace", "project", "pipeline_id", "action_id")
# Columns that differ in every run, or that are not compared by name.
_NOT_COMPARED = {"run_id", "run_date", *KEY, "fetched_at", "extra"}
COMPARED = [name for name in PROMOTE_IMAGE_ACTIONS.column_names if name not in _NOT_COMPARED]
Key = tuple[Any, ...]

# What may go wrong in a run, in addition to what changes in the world.
TROUBLES: tuple[Callable[[], Fault], ...] = (
    partial(Fault, "status", kind="action", nth=3, times=2, code=503),
    partial(Fault, "status", kind="action", nth=5, times=None, code=500),
    partial(Fault, "status", kind="pipelines", nth=2, times=9, code=502),
    partial(Fault, "reset_during", kind="actions", nth=2),
    partial(Fault, "reset_before", kind="projects"),
    partial(Fault, "truncate", kind="action", nth=4),
    partial(Fault, "html", kind="pipelines", nth=1),
    partial(Fault, "hang", kind="action", nth=2),
    partial(Fault, "limited", kind="action", nth=4, reset="absent"),
    partial(Fault, "limited", kind="actions", nth=3, reset="past", code=403),
    partial(Fault, "wrong_type", kind="action", nth=6, json_path="src.image", value=7),
    partial(Fault, "wrong_type", kind="pipelines", nth=2, json_path="pipelines[0].id", value="x"),
    partial(Fault, "vanish", kind="action", nth=7),
    partial(Fault, "errors_in_200", kind="actions", nth=4),
    partial(Fault, "api_disabled", kind="projects", nth=2),
    partial(Fault, "redirect", kind="pipelines", nth=3, times=None),
    partial(Fault, "status", kind="workspaces", times=None, code=500),
)
STOPS = (Fault("status", kind="actions", nth=4, times=None, code=401), Fault("status", kind="action", nth=2, code=500))
LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 400, "window": 1.0},
    {"limit": 90, "window": 1.0, "neighbour_per_window": 10},
    {"limit": 60, "window": 0.5, "refuse_with": 403, "clock_skew": 90.0},
    {"limit": 120, "window": 1.0, "clock_skew": -3000.0},
)


class Watcher:
    """An observer that ignores events; with `terminate` it sends SIGTERM at the first retry."""

    def __init__(self, terminate: bool) -> None:
        self._terminate = terminate

    def watch(self, progress: object) -> None:
        pass

    def event(self, fact: object) -> None:
        if self._terminate and isinstance(fact, RetryScheduled):
            self._terminate = False
            os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Ledger:
    """What is known from the rows of the runs so far, and the changes that the lake recorded."""

    known: dict[Key, dict[str, Any]] = field(default_factory=dict)
    removed: set[Key] = field(default_factory=set)
    seen: set[Key] = field(default_factory=set)
    recorded: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def take(self, lake: Path, run_id: str, world: FakeWorld) -> None:
        """Compare the changes of one published run with its rows."""
        reader = open_lake(lake)
        rows = reader.sql(f"select * from promote_image_actions where run_id = '{run_id}'").table.to_pylist()
        changes = reader.sql(f"select * from action_changes where run_id = '{run_id}'").table.to_pylist()
        by = {kind: {_key(c) for c in changes if c["change"] == kind} for kind in ("added", "removed", "returned")}
        changed = Counter((*_key(c), c["column_name"]) for c in changes if c["change"] == "changed")
        tonight = {_key(row): {name: row[name] for name in COMPARED} for row in rows}
        assert by["added"] == tonight.keys() - self.seen
        assert by["returned"] == tonight.keys() & self.removed
        assert by["removed"] <= self.known.keys() - tonight.keys()
        expected = {
            (*key, name)
            for key, row in tonight.items()
            if key in self.known
            for name in COMPARED
            if row[name] != self.known[key][name]
        }
        of_columns = Counter({key: n for key, n in changed.items() if key[-1] in COMPARED})
        returned = {key for key in of_columns if key[:-1] in by["returned"]}
        assert set(of_columns) - returned == expected, run_id
        assert all(count == 1 for count in changed.values())
        self._check_removed(reader, run_id, by["removed"], world)
        self.known.update(tonight)
        self.seen |= tonight.keys()
        for key in by["removed"]:
            del self.known[key]
        self.removed = (self.removed | by["removed"]) - tonight.keys()
        for c in changes:
            self.recorded[c["action_id"], c["change"], c["column_name"], c["new_value"]] += 1
        latest = reader.sql("select * from last_known_actions").table.to_pylist()
        assert {_key(row) for row in latest} == self.known.keys()

    def _check_removed(self, reader: Any, run_id: str, removed: set[Key], world: FakeWorld) -> None:
        """What is recorded as removed is not in Buddy, or its GET returned 404."""
        listed = reader.sql(f"select * from actions where run_id = '{run_id}' and coverage = 'gone'").table
        gone = {_key(row) for row in listed.to_pylist()}
        for key in removed - gone:
            try:
                world.action(*key[1:])
            except LookupError:
                continue
            raise AssertionError(f"{key} is recorded as removed and exists")


@dataclass
class Nights:
    """A lake, its ledger, and the runs so far."""

    folder: Path
    world: FakeWorld
    seed: int = 1
    keep_days: int = 20
    ledger: Ledger = field(default_factory=Ledger)
    codes: list[int] = field(default_factory=list)
    footprints: list[dict[str, int]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    port: int = 0

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def night(self, number: int, *, quiet: bool = False) -> None:
        """Collect the run of one night; one that was stopped is resumed an hour later, or by the next night's."""
        rng = random.Random(f"{self.seed}/{number}")
        world = self.world.at(night=number)
        stop = None if quiet or number % 5 != 3 else STOPS[number // 5 % 2]
        faults = [] if quiet else [make() for make in rng.sample(TROUBLES, rng.choice((0, 1, 1, 2)))]
        limits = LIMITS[0] if quiet else LIMITS[number % len(LIMITS)]
        at = FIRST + timedelta(days=number - 1, minutes=rng.randrange(20))
        code = self._collect(world, at, [stop] if stop else faults, limits, terminate=stop is STOPS[1])
        if code in (3, 130) and number % 10 != 8:
            code = self._collect(world, at + timedelta(hours=1), faults, limits)
        self.codes.append(code)
        self._check_files()
        self.footprints.append(footprint())

    def _collect(
        self, world: FakeWorld, at: datetime, faults: list[Fault], limits: dict[str, Any], terminate: bool = False
    ) -> int:
        began = time.monotonic()
        with FakeBuddy(world, token=TOKEN, script=faults, port=self.port, **limits) as buddy:
            self.port = self.port or int(buddy.url.rpartition(":")[2])
            try:
                summary = collect_and_follow_up(
                    self._settings(buddy.url),
                    Watcher(terminate),
                    now=lambda: at + timedelta(seconds=time.monotonic() - began),
                    rng=random.Random(f"{self.seed}/{at}"),
                )
            except CollectorError as error:
                if error.exit_code not in (3, 4, 130):
                    raise
                return error.exit_code
        # An abandoned run may be followed by another in the same night, so each is counted once.
        assert summary.run_id not in self.taken
        self.taken.add(summary.run_id)
        self.ledger.take(self.lake, summary.run_id, world)
        return summary.exit_code

    def _settings(self, url: str) -> Settings:
        installation = Installation("us", url, Secret(TOKEN), requests_per_second=0.0, reserve=5)
        wanted = AfterRun(
            summary_file=self.folder / "summary.json",
            message_file=self.folder / "morning.md",
            metrics_file=self.folder / "collector.prom",
            keep_days=self.keep_days,
            compact=True,
        )
        return Settings((installation,), self.lake, after_run=wanted)

    def _check_files(self) -> None:
        """There are no files but those that the manifest names and those retired for readers."""
        lake = Lake.open(self.lake)
        names = {"collector.prom", "lake", "morning.md", "summary.json"}
        assert {path.name for path in self.folder.iterdir()} == names
        tables = {path.relative_to(self.lake).as_posix() for path in self.lake.glob("tables/**/*.parquet")}
        retired = {each.path for each in lake.manifest.retired}
        assert lake.manifest.live_paths() <= tables
        assert tables <= lake.manifest.live_paths() | retired
        assert not list(self.lake.glob("**/*.tmp"))
        assert set(lake.runs.all()) <= set(lake.resumable_runs())
        assert len(lake.manifest.runs) <= self.keep_days + 1


class _Heap(ctypes.Structure):
    """`struct mallinfo2` of the C library."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "mapped", "usmblks", "fsmblks", "used", "free", "top")
    )


_C = ctypes.CDLL(None)
_C.mallinfo2.restype = _Heap


def footprint() -> dict[str, int]:
    """Return what this process uses: Python's objects and blocks, bytes of the C library and of Arrow, open files,
    threads, and `resident`, its own pages after unused memory was returned to the system.

    Pages of libraries are not counted: they come with their use and go when the machine needs them.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    _C.malloc_trim(0)
    process = psutil.Process()
    heap = _C.mallinfo2()
    (anonymous,) = re.findall(r"^RssAnon:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    return {
        "resident": int(anonymous) * 1024,
        "files": process.num_fds(),
        "threads": threading.active_count(),
        "objects": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
        "heap": heap.used + heap.mapped,
        "arrow": pa.total_allocated_bytes(),
    }


def _key(row: dict[str, Any]) -> Key:
    return tuple(row[name] for name in KEY)


__all__ = ["SHORT_TIMEOUTS", "Nights"]

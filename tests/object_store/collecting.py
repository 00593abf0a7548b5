"""Runs collected into a lake in object storage: by this process, and by a process that a test can kill."""

import asyncio
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from collector.cli.progress import ProgressObserver
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.run.collect import collect
from collector.run.context import RunContext
from collector.run.summary import RunSummary
from collector.settings.declarations import Installation, Settings
from collector.settings.lake_place import LakeUrl
from collector.settings.secret import Secret

WORLD = FakeWorld(seed=5, workspaces=1, projects=1, pipelines=2, actions=3)


def collect_run(buddy: FakeBuddy, place: LakeUrl, name: str = "us", seed: int = 0) -> RunSummary:
    """Collect one run as one machine would, whose work directory is that of `place`."""
    installation = Installation(name, buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=0)
    context = RunContext(lambda: datetime.now(UTC), random.Random(seed), ProgressObserver(), asyncio.Event())
    return asyncio.run(collect(Settings((installation,), place), context))


def machine(place: LakeUrl, name: str) -> LakeUrl:
    """Return the same lake as another machine sees it: with its own work directory."""
    return replace(place, work_dir=place.work_dir.with_name(f"work-{name}"))


def collecting_process(buddy: FakeBuddy, place: LakeUrl, *flags: str) -> subprocess.Popen[str]:
    """Start `collector collect` as a process of its own."""
    environment = {
        **os.environ, "BUDDY_TOKEN": buddy.token, "BUDDY_API_URL": buddy.url, "COLLECTOR_WORK_DIR": str(place.work_dir),
        "COLLECTOR_REQUESTS_PER_SECOND": "0", "COLLECTOR_LAKE": place.url,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "collector", "collect", "--reserve", "0", *flags],
        env=environment, cwd=Path(__file__).parents[2], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

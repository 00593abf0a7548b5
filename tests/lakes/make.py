"""`python -m tests.lakes.make`: two nights of a small fake Buddy, written as the lake of the current format.

Run it once for each released format, when the format is released, and never again: what it wrote is kept for ever.
"""

import random
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collector.cli.collect import collect_and_follow_up
from collector.cli.progress import ProgressObserver
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.manifest import FORMAT
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

HERE = Path(__file__).parent
WORLD = FakeWorld(seed=11, workspaces=1, projects=1, pipelines=3, actions=4)
NIGHTS = 2
FIRST = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
TOKEN = "kept-lake-token"


def collect(lake: Path, number: int, world: FakeWorld = WORLD, **more: Any) -> str:
    """Collect the n-th night of the world into `lake`, at its own time, with `more` settings; returns how it went."""
    at = FIRST + timedelta(days=number - 1)
    with FakeBuddy(world.at(night=number), token=TOKEN) as buddy:
        installation = Installation("us", buddy.url, Secret(TOKEN), requests_per_second=0.0, reserve=0)
        settings = Settings((installation,), lake, **more)
        return collect_and_follow_up(settings, ProgressObserver(), now=lambda: at, rng=random.Random(number)).status


def main() -> int:
    """Write the lake; refuses to overwrite one that is kept."""
    lake = HERE / f"format-{FORMAT}"
    if lake.exists():
        sys.stderr.write(f"{lake} is kept as it is.\n")
        return 1
    for number in range(1, NIGHTS + 1):
        collect(lake, number)
    for name in ("catalog.duckdb", ".catalog", ".lock", "lock", "runs"):
        path = lake / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Ours: what `collector collect` does once its flags are read, with the moments of its stages.

`python -m tests.bench.clients.ours --url U --token T --lake PATH [--concurrency 16] [--rate 0] [--reserve 0]`
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from collector.cli.leaving import leave
from collector.cli.signals import night
from collector.run import progress as events
from collector.settings.loading import load
from tests.bench.clients.ending import say


class Stopwatch:
    """An observer that notes when the crawl began and ended."""

    def __init__(self) -> None:
        self.moments: dict[type, tuple[float, float]] = {}

    def event(self, fact: object) -> None:
        """Note the moment, in seconds of the wall and of our CPU."""
        self.moments[type(fact)] = (time.perf_counter(), time.process_time())

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        """Nobody looks."""


def main() -> None:
    """Collect one night and say what its stages took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--reserve", type=int, default=0)
    given = parser.parse_args()
    flags = {
        "lake": str(given.lake),
        "concurrency": given.concurrency,
        "requests_per_second": given.rate,
        "reserve": given.reserve,
        "allow_http": True,
    }
    environ = {"BUDDY_TOKEN": given.token, "BUDDY_API_URL": given.url}
    watch = Stopwatch()
    summary = night(load(flags, environ, Path.cwd()), watch)
    began, ended = watch.moments[events.RunBegan], watch.moments[events.CrawlEnded]
    files = [file for file in given.lake.rglob("*") if file.is_file()]
    say(
        lake_bytes=sum(file.stat().st_size for file in files),
        replies=summary.requests - summary.refusals,
        status=summary.status,
        refusals=summary.refusals,
        rows=summary.rows,
        crawl_s=ended[0] - began[0],
        crawl_cpu_s=ended[1] - began[1],
        close_s=time.perf_counter() - ended[0],
        close_cpu_s=time.process_time() - ended[1],
    )
    leave(0)


if __name__ == "__main__":
    main()

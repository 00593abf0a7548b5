"""The collector: what `collector collect` does after parsing its flags, with the duration of its stages.

`python -m tests.bench.clients.ours --url U --token T --lake PATH [--concurrency 16] [--rate 0] [--reserve 0]
[--executions 7d]`, and with `--installations N` as so many installations, which share what the process may have open
(`--open-files`).
"""

import argparse
import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from collector.cli.collect import collect_with_signals
from collector.cli.process import exit_process, start_process
from collector.run import progress as events
from collector.settings.loading import load
from tests.bench.clients.output import print_result


class Stopwatch:
    """An observer that records the start and the end of the crawl."""

    def __init__(self) -> None:
        self.moments: dict[type, tuple[float, float]] = {}

    def event(self, fact: object) -> None:
        """Record the wall time and the CPU time of the event."""
        self.moments[type(fact)] = (time.perf_counter(), time.process_time())

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        """Ignore the progress."""


def main() -> None:
    """Run one collect and print the duration of its stages."""
    start_process()
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--reserve", type=int, default=0)
    parser.add_argument("--executions", default="7d")
    parser.add_argument("--installations", type=int, default=0)
    parser.add_argument("--open-files", type=int)
    options = parser.parse_args()
    if options.open_files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (options.open_files, options.open_files))
    flags = {
        "lake": str(options.lake),
        "concurrency": options.concurrency,
        "requests_per_second": options.rate,
        "reserve": options.reserve,
        "executions": options.executions,
        "allow_http": True,
    }
    environ = {"BUDDY_TOKEN": options.token, "BUDDY_API_URL": options.url}
    if options.installations:
        place = f'api_url = "{environ.pop("BUDDY_API_URL")}"\ntoken_env = "BUDDY_TOKEN"\n'
        tables = (f"[installations.buddy{number}]\n{place}" for number in range(options.installations))
        flags["config"] = str(options.lake.with_suffix(".toml"))
        options.lake.with_suffix(".toml").write_text("".join(tables), encoding="utf-8")
    stopwatch = Stopwatch()
    summary = collect_with_signals(
        load(flags, environ, Path.cwd()), stopwatch, lambda: datetime.now(UTC), random.Random()
    )
    began, ended = stopwatch.moments[events.RunBegan], stopwatch.moments[events.CrawlEnded]
    files = [file for file in options.lake.rglob("*") if file.is_file()]
    print_result(
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


if __name__ == "__main__":
    main()
    exit_process(0)

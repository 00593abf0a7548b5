"""Run a program as a process and measure its cost."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

# Without this variable, bytecode is written and a start does not compile what it imports, as in an installation.
_ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Measured:
    """One process: wall and CPU seconds from start to exit, peak memory in MiB, and the JSON that it printed."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    result: dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """The median of several runs, with the minimum and the maximum."""

    median: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of some values."""
    kept = sorted(values)
    return Spread(statistics.median(kept), kept[0], kept[-1])


def python(*arguments: str, environ: Mapping[str, str] | None = None) -> Measured:
    """Run `python ARGUMENTS…`; the result is the last line of its stdout if that is a JSON object.

    Raise RuntimeError with its stderr if it fails.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=err, env={**_ENVIRON, **(environ or {})}
        )
        # Not `process.wait()`, because wait4 returns the CPU time of this child.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            raise RuntimeError(f"{arguments} ended with {process.returncode}: {err.read().decode()[-2000:]}")
        out.seek(0)
        lines = out.read().splitlines()
    result = json.loads(lines[-1]) if lines and lines[-1].startswith(b"{") else {}
    return Measured(wall, usage.ru_utime + usage.ru_stime, result.get("peak_kib", 0) / 1024, result)


def alternate(runs: int, contenders: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Run all contenders alternately, `runs` times each, so that other load on the machine affects all of them."""
    results: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            results[name].append(contender())
    return results

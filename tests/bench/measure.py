"""Running a program as a process of its own, and what it cost."""

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

# What is installed has its bytecode beside it; a clone has it too, unless the environment forbids to write it down, and
# then every start would compile what it imports.
_ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Measured:
    """One run: seconds of the wall and of CPU from start to exit, peak memory in MiB, and what it said in JSON."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    said: dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """The median of several runs, with the least and the most."""

    median: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of some runs."""
    kept = sorted(values)
    return Spread(statistics.median(kept), kept[0], kept[-1])


def python(*arguments: str, environ: Mapping[str, str] | None = None) -> Measured:
    """Run `python ARGUMENTS…` to its end; what it said is its last line on stdout where that is a JSON object.

    Raises RuntimeError with its stderr when it fails.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=err, env={**_ENVIRON, **(environ or {})}
        )
        # Not `process.wait()`: only this way does the kernel tell the CPU of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            raise RuntimeError(f"{arguments} ended with {process.returncode}: {err.read().decode()[-2000:]}")
        out.seek(0)
        lines = out.read().splitlines()
    said = json.loads(lines[-1]) if lines and lines[-1].startswith(b"{") else {}
    return Measured(wall, usage.ru_utime + usage.ru_stime, said.get("peak_kib", 0) / 1024, said)


def alternate(runs: int, contenders: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Run every contender once, then all again, `runs` times: what else the machine does meets them all."""
    results: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            results[name].append(contender())
    return results

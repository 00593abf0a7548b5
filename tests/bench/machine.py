"""A description of the machine and the versions."""

import os
import platform
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_MEASURED = ("aiohttp", "duckdb", "pyarrow", "msgspec", "dlt")


def describe() -> str:
    """Return one paragraph about the machine and the versions."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in _MEASURED if find_spec(name))
    return (
        f"Machine: {os.cpu_count()} cores of {cpu}, {memory:.0f} GiB, {platform.system()} {platform.release()}; "
        f"load before the start {os.getloadavg()[0]:.1f}. Python {platform.python_version()}, {versions}. "
        "The server shares the machine."
    )

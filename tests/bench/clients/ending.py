"""The last words of a measured program: one JSON line on stdout."""

import json
import sys
from pathlib import Path


def say(**facts: object) -> None:
    """Print `facts` and the peak of the resident memory of this process, in KiB.

    The kernel's VmHWM begins with the program; the ru_maxrss of a parent would count what was there before its exec.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    sys.stdout.write(json.dumps({**facts, "peak_kib": int(peak)}) + "\n")

"""The result of a measured program: one line of JSON on stdout."""

import json
import sys
from pathlib import Path


def print_result(**facts: object) -> None:
    """Print `facts` and the peak resident memory of this process in KiB.

    The kernel's VmHWM starts with the program; the ru_maxrss seen by a parent includes the memory before exec.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    sys.stdout.write(json.dumps({**facts, "peak_kib": int(peak)}) + "\n")

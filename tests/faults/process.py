"""A real `collector` process: start it, watch the files that it writes, kill it, and wait for its end."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from collector.crawl.journal import Answered, Failed, parse
from collector.fake_buddy import FakeBuddy

ROOT = Path(__file__).resolve().parents[2]
# A process that takes longer is killed, and its test fails.
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Ended:
    """The result of a process: exit code (negative for a signal), output, and seconds."""

    code: int
    out: str
    err: str
    seconds: float


class Program:
    """The command line in its own directory, with the settings of the fake and no others."""

    def __init__(self, fake: FakeBuddy, lake: Path, **environ: str) -> None:
        self.lake = lake
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(lake.parent), "PYTHONPATH": str(ROOT), "TZ": "UTC",
            "BUDDY_TOKEN": fake.token, "BUDDY_API_URL": fake.url, "COLLECTOR_LAKE": str(lake),
            "COLLECTOR_REQUESTS_PER_SECOND": "0", "COLLECTOR_RESERVE": "0", "COLLECTOR_CONCURRENCY": "4",
            **environ,
        }  # fmt: skip

    def begin(self, *arguments: str, preexec: Callable[[], None] | None = None) -> "subprocess.Popen[bytes]":
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "collector", *arguments],
            cwd=self.lake.parent,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=preexec,
        )

    def run(self, *arguments: str, preexec: Callable[[], None] | None = None) -> Ended:
        """Run a command and return its result."""
        return ended(self.begin(*arguments, preexec=preexec))


def ended(process: "subprocess.Popen[bytes]") -> Ended:
    """Wait for the end of a process and return its result."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out.decode(), err.decode(), time.monotonic() - began)


def killed(process: "subprocess.Popen[bytes]", number: int = signal.SIGKILL) -> Ended:
    """Send a signal, unless the process has ended, and wait for its end."""
    if process.poll() is None:
        process.send_signal(number)
    return ended(process)


def until(process: "subprocess.Popen[bytes]", moment: Callable[[], bool]) -> bool:
    """Wait until a condition is true; return False if the process ended first."""
    ends_at = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        if moment():
            return True
        if time.monotonic() > ends_at:
            process.kill()
            raise AssertionError("the condition did not become true")
        time.sleep(0.0005)
    return False


def without_rights() -> None:
    """Make file modes apply to a process of root too."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


# The state of a run, seen from outside


def run_directory(lake: Path) -> Path | None:
    """Return the directory of the run in progress, None if there is none."""
    runs = lake / "runs"
    found = sorted(runs.iterdir()) if runs.is_dir() else []
    return found[-1] if found else None


def journal_bytes(lake: Path) -> int:
    """Return the size of the journal of the run in progress, 0 without one."""
    directory = run_directory(lake)
    try:
        return (directory / "journal.jsonl").stat().st_size if directory is not None else 0
    except OSError:
        return 0


def settled_targets(lake: Path) -> "Counter[str]":
    """Return the targets of the replies in the journal of the run in progress."""
    directory = run_directory(lake)
    path = directory / "journal.jsonl" if directory is not None else None
    if path is None or not path.exists():
        return Counter()
    found: Counter[str] = Counter()
    for raw in path.read_bytes().splitlines(keepends=True):
        line = parse(raw)
        if line is None:
            break
        if isinstance(line, Answered | Failed):
            found[line.request.target] += 1
    return found


def asked_targets(fake: FakeBuddy) -> "Counter[str]":
    """Return the targets of the requests to the server, as the journal writes them."""
    return Counter(
        request.path + ("?" + "&".join(f"{k}={v}" for k, v in request.query.items()) if request.query else "")
        for request in fake.arrivals
    )


def live_files(lake: Path) -> set[str]:
    """Return the files that the manifest names; none before the first publish."""
    try:
        manifest = msgspec.json.decode((lake / "manifest.json").read_bytes())
    except FileNotFoundError:
        return set()
    return {entry["path"] for entries in manifest["tables"].values() for entry in entries}


def unnamed_files(lake: Path) -> int:
    """Return the number of table files that the manifest does not name: those of a publish in progress."""
    live = live_files(lake)
    return sum(str(path.relative_to(lake)) not in live for path in (lake / "tables").rglob("*.parquet"))

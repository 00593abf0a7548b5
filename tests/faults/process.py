"""A real `collector` process: begun, watched through the files it makes, killed, and waited for."""

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

from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.journal import parse
from collector.fake_buddy import FakeBuddy

ROOT = Path(__file__).resolve().parents[2]
# No process here may take longer; one that does is killed, and its test fails.
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (negative for a signal), what it wrote, and the seconds it took."""

    code: int
    out: str
    err: str
    seconds: float


class Program:
    """The command line in a directory of its own, with no settings but these and the fake's address and token."""

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
        """Run a command to its end."""
        return ended(self.begin(*arguments, preexec=preexec))


def ended(process: "subprocess.Popen[bytes]") -> Ended:
    """Wait for the end of a process and return what it said."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out.decode(), err.decode(), time.monotonic() - began)


def killed(process: "subprocess.Popen[bytes]", number: int = signal.SIGKILL) -> Ended:
    """Send a signal, unless it has ended by itself, and wait for the end."""
    if process.poll() is None:
        process.send_signal(number)
    return ended(process)


def until(process: "subprocess.Popen[bytes]", moment: Callable[[], bool]) -> bool:
    """Watch until a moment has come, False when the process ended first."""
    ends_at = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        if moment():
            return True
        if time.monotonic() > ends_at:
            process.kill()
            raise AssertionError("the moment never came")
        time.sleep(0.0005)
    return False


def without_rights() -> None:
    """Let a process of root be subject to file modes as everybody is; for others there is nothing to do."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


# What can be seen of a run from outside.


def run_directory(lake: Path) -> Path | None:
    """The directory of the run in progress, None when there is none."""
    runs = lake / "runs"
    found = sorted(runs.iterdir()) if runs.is_dir() else []
    return found[-1] if found else None


def journal_bytes(lake: Path) -> int:
    """How long the journal of the run in progress is, 0 without one."""
    directory = run_directory(lake)
    try:
        return (directory / "journal.jsonl").stat().st_size if directory is not None else 0
    except OSError:
        return 0


def settled_targets(lake: Path) -> "Counter[str]":
    """The targets of the replies that the journal of the run in progress holds."""
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
    """The targets that the server was asked for, as the journal writes them."""
    return Counter(
        arrival.path + ("?" + "&".join(f"{k}={v}" for k, v in arrival.query.items()) if arrival.query else "")
        for arrival in fake.arrivals
    )


def live_files(lake: Path) -> set[str]:
    """The files that the manifest names, none before the first publish."""
    try:
        manifest = msgspec.json.decode((lake / "manifest.json").read_bytes())
    except FileNotFoundError:
        return set()
    return {entry["path"] for entries in manifest["tables"].values() for entry in entries}


def unnamed_files(lake: Path) -> int:
    """How many files of tables the manifest does not name: those of a publish in progress."""
    live = live_files(lake)
    return sum(str(path.relative_to(lake)) not in live for path in (lake / "tables").rglob("*.parquet"))

"""Counts of the tests of faults, from which the README's reliability table is written.

Each process of the tests writes its own file; `make faults` runs `python -m tests.faults.ledger`, which sums them up.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.marked import put_between

ROOT = Path(__file__).resolve().parents[2]
# In pytest's cache, which `make clean` removes; `make faults` starts with an empty folder.
FOLDER = "faults"
BEGIN, END = "<!-- faults: written by `make faults` -->", "<!-- end faults -->"
_HEAD = (
    "| what happened | times | runs | rows lost | false claims | exit codes |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
)


class Line(msgspec.Struct, frozen=True):
    """The counts of one test: hits of the fault, runs, rows lost without a gap, false claims, and exit codes."""

    fault: str
    times: int
    runs: int
    lost: int
    false: int
    exit_codes: tuple[int, ...]


class Ledger:
    """Writes the counts of one process; with `folder` None it writes nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"{os.getpid()}.jsonl"

    def note(
        self, fault: str, *exit_codes: int, injected: int = 1, runs: int = 1, lost: int = 0, false: int = 0
    ) -> None:
        """Add the counts of one test."""
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(Line(fault, injected, runs, lost, false, exit_codes)) + b"\n")


def table(lines: Iterable[Line]) -> str:
    """Return the sums by fault as a Markdown table."""
    by_fault: dict[str, list[Line]] = {}
    for line in lines:
        by_fault.setdefault(line.fault, []).append(line)
    return "\n".join([*_HEAD, *(_row(fault, by_fault[fault]) for fault in sorted(by_fault, key=str.lower))])


def _row(fault: str, lines: list[Line]) -> str:
    codes = Counter(code for line in lines for code in line.exit_codes)
    sums = [sum(getattr(line, name) for line in lines) for name in ("times", "runs", "lost", "false")]
    exits = ", ".join(str(code) for code in sorted(codes))
    return f"| {fault} | {' | '.join(f'{each:,}' for each in sums)} | {exits} |"


def read(folder: Path) -> list[Line]:
    """Return the counts of all processes in a folder."""
    decode = msgspec.json.Decoder(Line).decode
    return [decode(raw) for path in sorted(folder.glob("*.jsonl")) for raw in path.read_bytes().splitlines()]


def main() -> int:
    """Write the table of the last `make faults` into the README."""
    lines = read(ROOT / ".pytest_cache" / "d" / FOLDER)
    if not lines:
        print("no test of faults was run", file=sys.stderr)
        return 1
    made = table(lines)
    put_between(ROOT / "README.md", BEGIN, END, made)
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

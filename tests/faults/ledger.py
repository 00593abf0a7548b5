"""Counts of the tests of faults, from which the table in docs/reliability.md is written.

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
_COLUMNS = ("times", "runs", "rows lost", "false claims", "exit codes")


class Line(msgspec.Struct, frozen=True):
    """The counts of one test: hits of the fault, runs, rows lost without a gap, false claims, and exit codes.

    `target` is the request that every fault of the matrix hits; empty in tests of something else.
    """

    fault: str
    times: int
    runs: int
    lost: int
    false: int
    exit_codes: tuple[int, ...]
    target: str = ""


class Ledger:
    """Writes the counts of one process; with `folder` None it writes nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"{os.getpid()}.jsonl"

    def note(
        self,
        fault: str,
        *exit_codes: int,
        injected: int = 1,
        runs: int = 1,
        lost: int = 0,
        false: int = 0,
        target: str = "",
    ) -> None:
        """Add the counts of one test."""
        if self._path is not None:
            line = Line(fault, injected, runs, lost, false, exit_codes, target)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")


def table(lines: Iterable[Line]) -> str:
    """Return the sums by fault, and those of the matrix by request, as Markdown tables."""
    by_fault: dict[str, list[Line]] = {}
    by_target: dict[str, list[Line]] = {}
    for line in lines:
        by_fault.setdefault(line.fault, []).append(line)
        if line.target:
            by_target.setdefault(line.target, []).append(line)
    tables = [_table("what happened", by_fault)]
    if by_target:
        tables.append(_table("every fault, by the request that it hits", by_target))
    return "\n\n".join(tables)


def _table(title: str, groups: dict[str, list[Line]]) -> str:
    head = f"| {' | '.join((title, *_COLUMNS))} |\n| --- | ---: | ---: | ---: | ---: | --- |"
    return "\n".join([head, *(_row(name, groups[name]) for name in sorted(groups, key=str.lower))])


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
    """Write the table of the last `make faults` into docs/reliability.md."""
    lines = read(ROOT / ".pytest_cache" / "d" / FOLDER)
    if not lines:
        print("no test of faults was run", file=sys.stderr)
        return 1
    made = table(lines)
    put_between(ROOT / "docs" / "reliability.md", BEGIN, END, made)
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

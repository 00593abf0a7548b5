"""What was proven, counted: the reliability table of the README is made of these lines and of nothing else."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

BEGIN, END = "<!-- faults: written by `make faults` -->", "<!-- end faults -->"
_HEAD = (
    "| What happened | times injected | runs | rows lost | false claims | exit codes |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
)


@dataclass
class Line:
    """One fault over all of its runs."""

    injected: int = 0
    runs: int = 0
    lost: int = 0
    false: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)

    def cells(self, fault: str) -> str:
        """The row of the table."""
        codes = ", ".join(f"{code} ({count}×)" for code, count in sorted(self.exit_codes.items()))
        return f"| {fault} | {self.injected:,} | {self.runs:,} | {self.lost:,} | {self.false:,} | {codes} |"


class Ledger:
    """All lines, in the order in which the faults were met first."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def note(
        self, fault: str, *exit_codes: int, injected: int = 1, runs: int = 1, lost: int = 0, false: int = 0
    ) -> None:
        """Count one test's runs of a fault: what it lost without a word, what it claimed falsely, how it exited."""
        line = self.lines.setdefault(fault, Line())
        line.injected += injected
        line.runs += runs
        line.lost += lost
        line.false += false
        line.exit_codes.update(exit_codes)

    def table(self) -> str:
        """The table in Markdown."""
        return "\n".join([*_HEAD, *(line.cells(fault) for fault, line in self.lines.items())])


def write_between_markers(readme: Path, table: str) -> bool:
    """Put the table between the markers of a README; False when it has none."""
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return False
    readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return True

"""What the benchmarks found: tables for the terminal and for one Markdown file."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column is named, the others are numbers and stand to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Return it as Markdown, aligned so that it reads well as plain text too."""
        lines = [list(self.columns), *(list(row) for row in self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        first, *rest = [
            "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
            for line in lines
        ]
        return "\n".join([first, "| " + " | ".join(rule) + " |", *rest])


@dataclass(frozen=True)
class Goal:
    """A figure that was promised, and whether it is reached."""

    what: str
    wanted: str
    measured: str
    reached: bool


@dataclass(frozen=True)
class Section:
    """What one benchmark says: what was done, its tables, and the goals it decides."""

    title: str
    said: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()

    def __str__(self) -> str:
        """Return it as Markdown."""
        return "\n\n".join([f"## {self.title}", self.said, *map(str, self.tables)])


def goals_table(sections: Sequence[Section]) -> Table:
    """Return all goals in one table."""
    goals = [goal for section in sections for goal in section.goals]
    return Table(
        ("goal", "wanted", "measured", "reached"),
        [(goal.what, goal.wanted, goal.measured, "yes" if goal.reached else "no") for goal in goals],
    )


def document(machine: str, sections: Sequence[Section]) -> str:
    """Return the whole Markdown file."""
    opening = (
        "# Benchmarks\n\nWritten by `make bench`. Figures are medians of alternating runs, with the least and the most in "
        f"brackets.\n\n{machine}"
    )
    return "\n\n".join([opening, f"## Goals\n\n{goals_table(sections)}", *map(str, sections)]) + "\n"

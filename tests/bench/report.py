"""Results of benchmarks as tables for the terminal and for a Markdown file."""

from collections.abc import Sequence
from dataclasses import dataclass

# Around the five goals that a reader looks for first.
QUOTED, END_QUOTED = "<!-- quoted: written by `make bench` -->", "<!-- end quoted -->"


@dataclass(frozen=True)
class Table:
    """A table of strings; the first column is text, the others are right-aligned numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Return the table as aligned Markdown."""
        lines = [list(self.columns), *(list(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        first, *rest = [
            "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
            for line in lines
        ]
        return "\n".join([first, "| " + " | ".join(rule) + " |", *rest])


@dataclass(frozen=True)
class Goal:
    """A goal, the measured value, and whether it is reached; those that are `quoted` open the document."""

    what: str
    wanted: str
    measured: str
    reached: bool
    quoted: bool = False


@dataclass(frozen=True)
class Section:
    """The result of one benchmark: a description, tables, and goals."""

    title: str
    text: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()

    def __str__(self) -> str:
        """Return the section as Markdown."""
        return "\n\n".join([f"## {self.title}", self.text, *map(str, self.tables)])


def goals_table(sections: Sequence[Section], *, quoted: bool = False) -> Table:
    """Return all goals in one table, or only the quoted ones."""
    goals = [goal for section in sections for goal in section.goals if goal.quoted or not quoted]
    return Table(
        ("goal", "wanted", "measured", "reached"),
        [(goal.what, goal.wanted, goal.measured, "yes" if goal.reached else "no") for goal in goals],
    )


def document(machine: str, sections: Sequence[Section]) -> str:
    """Return the Markdown file."""
    opening = (
        "# Benchmarks\n\nWritten by `make bench`. Values are medians of alternating runs, with minimum and maximum in "
        f"brackets.\n\n{machine}"
    )
    quoted = f"{QUOTED}\n{goals_table(sections, quoted=True)}\n{END_QUOTED}"
    return "\n\n".join([opening, quoted, f"## Goals\n\n{goals_table(sections)}", *map(str, sections)]) + "\n"

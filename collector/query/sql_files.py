"""The files of sql/: where they are, what their headers say, and which views each one uses.

They are the repository's top folder in a checkout and `collector/sql` in an installed wheel. Each file is one select
and opens with its grain or its question in one sentence. The names it uses stand directly after FROM and JOIN.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import dropwhile, takewhile
from pathlib import Path

_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_REFERENCE = re.compile(r"\b(?:from|join)\s+([A-Za-z_][A-Za-z_0-9]*)", re.IGNORECASE)
# The header line of a question that is answered from the files of the selected run alone, except for the named tables.
_ONE_RUN = re.compile(r"one run(?P<partial> and partial runs)?(?: but for (?P<tables>\w+(?:, \w+)*))?")
# The header line of a question that is answered from the lake's first run and the selected one; of a table in which the
# selected run has drift that the first run lacks, all runs are searched.
_TWO_RUNS = "first run and selected run"
# The header lines that end the opening sentence.
_MARK = re.compile(
    rf"|blocking|warning|notice|oldest first|(?:topic|answer|rule): .*|\$\w+\s.*|{_ONE_RUN.pattern}|{_TWO_RUNS}"
)


@dataclass(frozen=True)
class SqlFile:
    """One file of sql/: its name without the ending, and its text."""

    name: str
    text: str

    @property
    def sql(self) -> str:
        """The text without a semicolon at its end, so that it can be a part of another statement."""
        return self.text.rstrip(";")

    @cached_property
    def header(self) -> tuple[str, ...]:
        """The comment lines at the top, without dashes."""
        lines = takewhile(lambda line: line.startswith("--"), self.text.splitlines())
        return tuple(line.removeprefix("--").strip() for line in lines)

    @property
    def description(self) -> str:
        """The opening sentence: the grain, or the question that the file answers."""
        return " ".join(takewhile(lambda line: not _MARK.fullmatch(line), self.header))

    def metadata(self, key: str) -> str:
        """Return the value of the header line `-- key: value`, empty when there is none."""
        start = f"{key}: "
        return next((line.removeprefix(start) for line in self.header if line.startswith(start)), "")

    @property
    def notes(self) -> str:
        """What the header says below the opening sentence of a view."""
        return "\n".join(dropwhile(bool, self.header)).strip()

    @property
    def tables_of_all_runs(self) -> frozenset[str] | None:
        """The tables that are read from the files of all runs, not only the selected one; None means every table."""
        for mark in filter(None, map(_ONE_RUN.fullmatch, self.header)):
            return frozenset(mark["tables"].split(", ") if mark["tables"] else ())
        return None

    @property
    def reads_partial_runs(self) -> bool:
        """Whether the files of partial runs are read, too, where those of the selected run are."""
        return any(mark["partial"] for mark in filter(None, map(_ONE_RUN.fullmatch, self.header)))

    @property
    def is_of_two_runs(self) -> bool:
        """Whether the files of the first run and the selected one answer it, but for tables that must be searched."""
        return _TWO_RUNS in self.header

    @cached_property
    def references(self) -> frozenset[str]:
        """Every name after FROM or JOIN, including the file's own CTEs."""
        return frozenset(name.lower() for name in _REFERENCE.findall(_NOT_CODE.sub(" ", self.text)))


def identifiers(sql: str) -> frozenset[str]:
    """Return every word of `sql` outside comments and strings, in lower case: a superset of the names that it uses."""
    return frozenset(word.lower() for word in _WORD.findall(_NOT_CODE.sub(" ", sql)))


def sql_folder() -> Path:
    """Return the folder that holds clean/, facts/, questions/, checks/ and changes/."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "sql", package.parent / "sql") if folder.is_dir())


def read_folder(folder: Path) -> dict[str, SqlFile]:
    """Return the SQL files of one folder by name, in order of name; none when the folder does not exist."""
    files = sorted(folder.glob("*.sql"))
    return {file.stem: SqlFile(file.stem, file.read_text(encoding="utf-8").strip()) for file in files}


def in_order(sources: Mapping[str, SqlFile], wanted: Collection[str] | None = None) -> list[SqlFile]:
    """Return the `wanted` sources and all that they need, each after those it refers to; all when `wanted` is None."""
    needs: dict[str, frozenset[str]] = {}
    found = [name for name in sources if wanted is None or name in wanted]
    while found:
        if (name := found.pop()) not in needs:
            needs[name] = sources[name].references & sources.keys() - {name}
            found += needs[name]
    return [sources[name] for name in TopologicalSorter(needs).static_order()]

"""The files of sql/: where they are, what each opens with, which names each uses.

They are the repository's own top folder in a checkout and `collector/sql` in an installed wheel. Each file is
one select and opens with its grain or question as one sentence. What it refers to stands after its FROMs and
JOINs, which is how these files are written.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from collector.errors import LakeError, QueryError

# Comments and strings hold words that are not names.
_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_REFERENCE = re.compile(r"\b(?:from|join)\s+([A-Za-z_][A-Za-z_0-9]*)", re.IGNORECASE)
# A header line of questions that need no other night: only the files that hold the selected run are opened for them. Of
# tables that it names after "but for", those of every night are.
_ONE_NIGHT = re.compile(r"one night(?: but for (?P<tables>\w+(?:, \w+)*))?")
_PARAMETER = re.compile(r"^\$\w+\s")


@dataclass(frozen=True)
class SqlFile:
    """One file of sql/: `name` is its file name, `header` its opening comment lines without the dashes."""

    name: str
    text: str

    @cached_property
    def header(self) -> tuple[str, ...]:
        """The opening comment lines."""
        return tuple(_header_lines(self.text))

    @cached_property
    def description(self) -> str:
        """The opening sentence: its grain, or the question it answers."""
        sentence: list[str] = []
        for line in self.header:
            if _PARAMETER.match(line) or line in ("blocking", "warning", "") or _ONE_NIGHT.fullmatch(line):
                break
            sentence.append(line)
        return " ".join(sentence)

    @cached_property
    def many_nights(self) -> frozenset[str] | None:
        """The tables of which it needs rows of other nights than the selected run; None when it doesn't say."""
        for line in self.header:
            if said := _ONE_NIGHT.fullmatch(line):
                return frozenset((said["tables"] or "").split(", ")) - {""}
        return None

    @cached_property
    def references(self) -> frozenset[str]:
        """Every name after a FROM or JOIN, its own CTEs among them."""
        return frozenset(name.lower() for name in _REFERENCE.findall(_NOT_CODE.sub(" ", self.text)))


def identifiers(sql: str) -> frozenset[str]:
    """Every word of `sql` outside comments and strings, in lower case: SQL from outside is written anyhow."""
    return frozenset(word.lower() for word in _WORD.findall(_NOT_CODE.sub(" ", sql)))


def sql_folder() -> Path:
    """The folder that holds clean/, facts/, questions/, checks/ and changes/.

    Raises LakeError when the installation is incomplete.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parent / "sql"):
        if folder.is_dir():
            return folder
    raise LakeError(
        "the SQL that belongs to this program is not installed with it",
        advice="Install the package again; its wheel holds the folder collector/sql.",
    )


def read_folder(folder: Path) -> dict[str, SqlFile]:
    """The files of one folder by name, in order of name; none when there is no such folder."""
    files = sorted(folder.glob("*.sql"))
    return {file.stem: SqlFile(file.stem, file.read_text(encoding="utf-8").strip()) for file in files}


def in_order(sources: Mapping[str, SqlFile], wanted: Collection[str] | None = None) -> list[SqlFile]:
    """The sources that `wanted` words need, each after those it refers to; all of them when `wanted` is None.

    Raises QueryError when some refer to one another in a circle.
    """
    needs = {name: {w for w in source.references & sources.keys() if w != name} for name, source in sources.items()}
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise QueryError(f"these views refer to one another: {', '.join(error.args[1])}") from error
    if wanted is None:
        return [sources[name] for name in order]
    needed = set(wanted) & sources.keys()
    for name in reversed(order):
        if name in needed:
            needed |= needs[name]
    return [sources[name] for name in order if name in needed]


def _header_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("--"):
            return
        yield line.removeprefix("--").strip()

"""Answers as tables of the page: where in Buddy each row is, the columns worth showing, and a limited number of rows.

Their texts have unsafe characters as escapes, and only plain web addresses become links.

A report holds the same names, addresses and references hundreds of times, so its JSON keeps every text once, in one
list, and the rows hold indexes into it.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pyarrow as pa

from collector.query.certainty import CERTAIN, certainties, in_words
from collector.settings.escape import escape

MAX_ROWS: Final = 1_000  # a page that a browser still opens at once; the question itself gives all rows
ROWS_WITHOUT_SCRIPTS: Final = 10
MAX_LENGTH: Final = 300  # longer texts are cut, so that one value does not fill the page
_LINK: Final = re.compile(r"https?://[^\s\\\"'<>`]+")
REVISION_LENGTH: Final = 12  # enough of a Git revision to tell it from the others
# The columns that say where a row is, from the largest thing to the smallest.
LEVELS: Final = ("installation", "workspace", "project", "pipeline", "action")
_TITLES: Final = {
    "column_name": "field",
    "last_execution_status": "status",
    "value_state": "value",
    "permissions_others": "right of all others",
    "worst_wait": "worst wait (s)",
    "error_message": "message",
    "undone_revision": "undone",
}
_REFERENCES: Final = frozenset(
    ("source", "destination", "image", "variable", "name", "column_name", "revision", "staging_revision",
     "production_revision", "undone_revision", "difference", "request_path", "json_path",
     "permissions_others", "trigger_time", "value_state")
)  # fmt: skip


class RowLocation(NamedTuple):
    """Where in Buddy a row is: `name` within `path`. `bad_link` is an address that may not be followed."""

    name: str
    path: str
    link: str | None
    bad_link: str | None


@dataclass(frozen=True)
class ReportRows:
    """The rows of one answer that the page holds, with location (if `located`) and cells; `total` counts all rows.

    `certainties` counts all rows by how sure they are.

    A column has a title for people and a kind: text, reference or number.
    """

    question: str
    columns: tuple[Mapping[str, str], ...]
    located: bool
    rows: tuple[tuple[RowLocation | None, tuple[str | int | float | None, ...]], ...]
    total: int
    certainties: Mapping[str, int]

    @property
    def findings(self) -> int:
        """How many rows are findings for certain."""
        return self.certainties[CERTAIN]

    @property
    def apart(self) -> str:
        """The rows that are no certain findings, as text such as `3 depend on a variable, 25 not known`."""
        return in_words(self.certainties, "", certain=False)


def report_rows(
    question: str, table: pa.Table, columns: Sequence[str], levels: Sequence[str] = LEVELS, unnamed: str = "everything"
) -> ReportRows:
    """Return the rows of an answer with these of its columns; `unnamed` is the place of a row that names none.

    Raises KeyError for a column that it lacks.
    """
    chosen = tuple(_column(name, table.schema.field(name).type) for name in columns)
    located = "workspace" in table.column_names
    rows = tuple(
        (
            row_location(record, levels, unnamed) if located else None,
            tuple(_cell(name, record[name]) for name in columns),
        )
        for record in table.slice(0, MAX_ROWS).to_pylist()
    )
    return ReportRows(question, chosen, located, rows, table.num_rows, certainties(table))


def row_location(record: Mapping[str, Any], levels: Sequence[str] = LEVELS, unnamed: str = "everything") -> RowLocation:
    """Return where the row of any question is: its smallest named thing, and the path to it."""
    names = []
    for level in levels:
        if record.get(level):
            names.append(escaped(record[level]))
        elif (number := record.get(f"{level}_id")) is not None:
            names.append(f"{level} {number}")
    if record.get("level") in LEVELS[3:] and record.get("name"):
        names[-1] = escaped(record["name"])  # coverage_last_night names things of every level in one column
    link = record.get("html_url")
    followed = safe_link(link)
    bad_link = escaped(link) if link and followed is None else None
    return RowLocation(names[-1] if names else unnamed, " / ".join(names[:-1]), followed, bad_link)


def _cell(name: str, value: Any) -> str | int | float | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if name.endswith("revision"):
        return escaped(text[:REVISION_LENGTH])
    return escaped(text)


def _column(name: str, type_: pa.DataType) -> Mapping[str, str]:
    is_number = pa.types.is_integer(type_) or pa.types.is_floating(type_)
    kind = "number" if is_number else "reference" if name in _REFERENCES else "text"
    return {"title": _TITLES.get(name, name.replace("_", " ")), "kind": kind}


def indexed(values: Iterable[object], texts: dict[str, int]) -> list[object]:
    """Return the values with the index that each text has in `texts`, where a new one is added."""
    return [texts.setdefault(value, len(texts)) if isinstance(value, str) else value for value in values]


def escaped(text: str, longest: int = MAX_LENGTH) -> str:
    """Return the text cut to `longest` characters, with unsafe characters as escapes."""
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")


def safe_link(text: str | None) -> str | None:
    """Return the address if a link may lead there: it begins with https:// or http:// and holds nothing unusual."""
    return text if text is not None and _LINK.fullmatch(text) else None

"""Answers as tables of a page: where each row is, the columns worth showing, and at most so many rows.

A report holds the same names, addresses and references hundreds of times, so its JSON keeps every text once, in
one list, and the rows hold numbers into it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from collector.report.escape import LONGEST, address, shown

# The columns that say where a row is, from the largest to the smallest, and how to get there.
PLACE: Final = ("installation", "workspace", "project", "pipeline", "action")
LINK: Final = "html_url"
# A page that a browser still opens at once; the question itself gives all rows.
MOST_ROWS: Final = 1_000
# Without scripts the page is only this long.
MOST_WITHOUT_SCRIPTS: Final = 20
_REVISION_LENGTH: Final = 12  # enough of a Git revision to tell it from the others

_VALUE_LENGTH: Final = 140  # lists of rights and conditions are JSON: enough to see what it is about

Kind = Literal["text", "reference", "number"]
_TITLES: Final = {
    "column_name": "field",
    "old_value": "was",
    "new_value": "is",
    "last_execution_status": "status",
    "value_state": "value",
    "permissions_others": "right of all others",
    "worst_wait": "worst wait (s)",
}
_REFERENCES: Final = frozenset(
    ("source", "destination", "image", "variable", "name", "column_name", "staging_revision", "production_revision",
     "old_value", "new_value", "request_path", "json_path", "permissions_others", "trigger_time", "value_state")
)  # fmt: skip


@dataclass(frozen=True)
class ReportColumn:
    """A column of a table of the page."""

    name: str
    kind: Kind

    @property
    def title(self) -> str:
        """Its name as people write it."""
        return _TITLES.get(self.name, self.name.replace("_", " "))


@dataclass(frozen=True)
class BuddyAddress:
    """Where a row is in Buddy; `link` only when an address may be followed, `bad_link` when it may not."""

    action: str
    way: str
    link: str | None
    bad_link: str | None


@dataclass(frozen=True)
class ReportRows:
    """The rows that the page holds of one answer; `total` counts all that the answer has."""

    question: str
    columns: tuple[ReportColumn, ...]
    placed: bool
    places: tuple[BuddyAddress, ...]
    cells: tuple[tuple[str | int | float | None, ...], ...]
    total: int

    @property
    def first(self) -> Sequence[tuple[BuddyAddress | None, Sequence[tuple[ReportColumn, Any]]]]:
        """The rows that stand in the page itself, for readers without scripts."""
        chosen = self.cells[:MOST_WITHOUT_SCRIPTS]
        places: Sequence[BuddyAddress | None] = self.places if self.placed else [None] * len(chosen)
        return [(place, list(zip(self.columns, row, strict=True))) for place, row in zip(places, chosen, strict=False)]

    @property
    def left_out(self) -> int:
        """How many rows a reader without scripts doesn't see."""
        return max(0, self.total - MOST_WITHOUT_SCRIPTS)

    def document(self, texts: "Texts", most: int = MOST_ROWS) -> dict[str, Any]:
        """At most so many rows for the JSON block: first the place (action, way, link, bad link), then the cells."""
        cells = self.cells[:most]
        return {
            "question": self.question,
            "placed": self.placed,
            "columns": [{"title": column.title, "kind": column.kind} for column in self.columns],
            "rows": [
                [
                    *([texts(t) for t in (place.action, place.way, place.link, place.bad_link)] if place else ()),
                    *(texts(cell) if isinstance(cell, str) else cell for cell in row),
                ]
                for place, row in zip(self.places[:most] or [None] * len(cells), cells, strict=True)
            ],
            "total": self.total,
        }  # fmt: skip


class Texts:
    """Every text once; calling it gives a text's number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str | None) -> int | None:
        return None if text is None else self._numbers.setdefault(text, len(self._numbers))

    @property
    def all(self) -> list[str]:
        """The texts in order of their numbers."""
        return list(self._numbers)


def rows_of(
    question: str, table: pa.Table, columns: Iterable[str], *, several_installations: bool, most: int = MOST_ROWS
) -> ReportRows:
    """The rows of an answer with these of its columns; raises KeyError for a column that it lacks."""
    chosen = tuple(ReportColumn(name, _kind(name, table.schema.field(name).type)) for name in columns)
    placed = "workspace" in table.column_names
    records: list[dict[str, Any]] = table.slice(0, most).to_pylist()
    return ReportRows(
        question,
        chosen,
        placed,
        tuple(place_of(record, several_installations=several_installations) for record in records) if placed else (),
        tuple(tuple(_cell(column.name, record[column.name]) for column in chosen) for record in records),
        table.num_rows,
    )


def place_of(record: Mapping[str, Any], *, several_installations: bool) -> BuddyAddress:
    """Where a row of any question is: its smallest named place, and the way there."""
    parts = [record.get(name) for name in (PLACE if several_installations else PLACE[1:])]
    numbers = {"pipeline": record.get("pipeline_id"), "action": record.get("action_id")}
    names = [
        shown(part) if part else f"{name} {numbers[name]}" if numbers.get(name) is not None else ""
        for name, part in zip(PLACE if several_installations else PLACE[1:], parts, strict=True)
    ]
    named = [name for name in names if name]
    link = record.get(LINK)
    followed = address(link)
    return BuddyAddress(
        named[-1] if named else "everything",
        " / ".join(named[:-1]),
        followed,
        shown(link) if link and followed is None else None,
    )


def _cell(name: str, value: Any) -> str | int | float | None:
    if value is None or isinstance(value, bool):
        return None if value is None else "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if name.endswith("_revision"):
        return shown(text[:_REVISION_LENGTH])
    return shown(text, _VALUE_LENGTH if name in ("old_value", "new_value") else LONGEST)


def _kind(name: str, type_: pa.DataType) -> Kind:
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    return "reference" if name in _REFERENCES else "text"

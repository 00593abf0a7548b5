"""How a table reads a reply: the values of its columns, and what is left over for `extra`. Pure.

The law: every scalar of a reply is found in a column, in `extra`, or on the redaction list. Both halves of a row are
made from one declaration: a column with a `source` reads that place in the reply, `extra` is the reply without them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby, takewhile
from typing import Any

import msgspec

from collector.buddy.timestamps import parse_timestamp
from collector.crawl.records import Key
from collector.lake.shared_columns import KEY, RUN
from collector.lake.table import Table

Row = tuple[Any, ...]
Rows = list[tuple[str, Row]]
Document = dict[str, Any]

# The columns that a row begins with, as far as its table has them.
LEADING = tuple(column.name for column in (*RUN, *KEY))
EMPTY: Document = {}
_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class RunKey:
    """The run that every row of it begins with."""

    run_id: str
    run_date: date


def canonical(value: Any) -> str:
    """Return `value` as JSON text with sorted keys, so that equal values are equal text."""
    return _encoder.encode(value).decode()


_PARSERS: dict[str, Callable[[Any], Any]] = {"timestamp": parse_timestamp, "json": canonical}


class Projection:
    """How one table reads a reply: the values of its columns, and what is left over for `extra`.

    Columns are grouped by the object of the reply they are read from, and each group is read at once. There is no loop
    over columns, because this runs for every row of a run.
    """

    def __init__(self, table: Table) -> None:
        matches = map(str.__eq__, table.column_names, LEADING)
        self._leading = sum(takewhile(bool, matches))
        columns = table.columns[self._leading :]
        self._parsers = [
            (c.source[0], _PARSERS[c.column_type])
            for c in columns
            if len(c.source) == 1 and c.column_type in _PARSERS
        ]  # fmt: skip
        self._nested: dict[str, tuple[str, ...]] = {}
        self._groups: list[tuple[str, tuple[str, ...]]] = []
        for member, group in groupby(columns, lambda c: c.source[0] if len(c.source) == 2 else ""):
            names = tuple(column.source[-1] if column.source else column.name for column in group)
            self._groups.append((member, names))
            if member:
                self._nested[member] = (*self._nested.get(member, ()), *names)
        self._sources = tuple({column.source[0] for column in table.columns if column.source})

    def row(self, leading: Row, document: Document, own: Document) -> Row:
        """Return a row: its run and key, the columns of the reply from `document`, and our own columns from `own`."""
        values = {**document, **own}
        for name, parse in self._parsers:
            if (text := values.get(name)) is not None:
                values[name] = parse(text)
        row = leading[: self._leading]
        for member, names in self._groups:
            source = (document.get(member) or EMPTY) if member else values
            row += (*map(source.get, names),)
        return row

    def leftover(self, document: Document) -> Document:
        """Return what no column holds, nested like the reply; empty when there is nothing."""
        # Removing a few names from a copy is faster than testing every name.
        rest = document.copy()
        for name in self._sources:
            rest.pop(name, None)
        for member, names in self._nested.items():
            inner = document.get(member)
            if inner:
                inner = inner.copy()
                for name in names:
                    inner.pop(name, None)
                if inner:
                    rest[member] = inner
        return rest


def leading_values(run_key: RunKey, key: Key) -> Row:
    """Return the values of `LEADING`."""
    return (
        run_key.run_id, run_key.run_date, key.installation, key.workspace, key.project, key.pipeline_id, key.action_id,
    )  # fmt: skip


def extra_json(rest: Document) -> str | None:
    """Return what has no column as JSON, NULL when there is nothing."""
    return canonical(rest) if rest else None


def naive_utc(moment: datetime | None) -> datetime | None:
    """Return an aware moment as the lake holds it: UTC without a zone."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

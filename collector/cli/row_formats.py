"""Rows in the formats for programs, as pieces of a file.

JSON is one array of objects in column order, timestamps are ISO 8601 with Z, lists and structs are JSON. An infinite
number and NaN are null in JSON and have their names elsewhere. In CSV and TSV a text that a spreadsheet would run as a
formula gets a leading apostrophe. In Markdown and TSV every name is escaped.
"""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgspec

from collector.cli.options import RowFormat
from collector.lake.plain_rows import PlainRows
from collector.settings.escape import escape

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_A_FORMULA: Final = re.compile(r"-(?:[0-9]+(?:\.[0-9]+)?|infinity)")
_MARKDOWN: Final = re.compile(r"[\\`*\[\]<>|~&]")  # starts a cell, a link, an image, a tag, an entity or an emphasis
_FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def names_of(rows: "pa.RecordBatchReader | PlainRows") -> list[str]:
    """Return the names of the columns."""
    return list(rows.column_names if isinstance(rows, PlainRows) else rows.schema.names)


def python_rows(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[list[Any]]:
    """Return each row as values that JSON has."""
    if isinstance(rows, PlainRows):
        for each in rows.rows:
            yield [_json_value(value) for value in each]
        return
    from collector.query.values import values_of

    for batch in rows:
        for row in zip(*map(values_of, batch.columns), strict=True):
            yield [_json_value(value) for value in row]


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it: a timestamp is text in UTC, a decimal an exact number, bytes are hexadecimal."""
    match value:
        case None | bool() | int() | str() | float():
            return value
        case dt.datetime():
            return (value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat() + "Z"
        case Decimal():
            # A number of JSON may have any number of digits; one of Python's floats may not.
            digits = format(value, "f")
            return msgspec.Raw((digits.rstrip("0").rstrip(".") if "." in digits else digits).encode())
        case dict():
            return {str(key): _json_value(item) for key, item in value.items()}
        case list() | tuple():
            return [_json_value(item) for item in value]
        case bytes():
            return value.hex()
    return str(value)


def cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _json_lines(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[bytes]:
    """Return each row as a JSON object; a repeated column name gets a number, because a member has its name once."""
    names = names_of(rows)
    numbers = [names[: at + 1].count(name) for at, name in enumerate(names)]
    members = [name if number == 1 else f"{name}_{number}" for name, number in zip(names, numbers, strict=True)]
    for values in python_rows(rows):
        yield msgspec.json.encode(dict(zip(members, values, strict=True))) + b"\n"


def _json(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[bytes]:
    separator = b"["
    for line in _json_lines(rows):
        yield separator + b"\n " + line.rstrip()
        separator = b","
    yield b"[]\n" if separator == b"[" else b"\n]\n"


def _csv(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[bytes]:
    for values in chain([names_of(rows)], python_rows(rows)):
        line = io.StringIO()
        # Its lines end with \r\n, and so it quotes a lone \r, which readers take for the end of a line.
        csv.writer(line).writerow(map(_csv_cell, values))
        yield line.getvalue().removesuffix("\r\n").encode() + b"\n"


def _tsv(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[bytes]:
    for values in chain([names_of(rows)], python_rows(rows)):
        # Escaped, no value holds a tab or the end of a line.
        yield "\t".join(escape(_csv_cell(value)) for value in values).encode(errors="replace") + b"\n"


def _csv_cell(value: Any) -> str:
    text = cell_text(value)
    is_formula = isinstance(value, str) and text.startswith(_FORMULA_START) and not _NOT_A_FORMULA.fullmatch(text)
    return "'" + text if is_formula else text


def _markdown(rows: "pa.RecordBatchReader | PlainRows") -> Iterator[bytes]:
    names = names_of(rows)
    for at, values in enumerate(chain([names], python_rows(rows))):
        cells = (escape(_MARKDOWN.sub(r"\\\g<0>", cell_text(value))) for value in values)
        yield f"| {' | '.join(cells)} |\n".encode(errors="replace")
        if at == 0:
            yield f"| {' | '.join(['---'] * len(names))} |\n".encode()


PIECES: Final = {
    RowFormat.json: _json,
    RowFormat.jsonl: _json_lines,
    RowFormat.csv: _csv,
    RowFormat.tsv: _tsv,
    RowFormat.markdown: _markdown,
    RowFormat.md: _markdown,
}

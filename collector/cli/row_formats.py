"""Rows in the formats for programs.

JSON is one array of objects in column order, timestamps are ISO 8601 with Z, lists and structs are JSON. An infinite
number and NaN are null in JSON and have their names elsewhere. In CSV a text that a spreadsheet would run as a formula
gets a leading apostrophe. In Markdown every name is escaped.
"""

import csv
import datetime as dt
import io
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from collector.cli.options import RowFormat
from collector.settings.escape import escape

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS: Final = 2_000  # converted to Python values at a time
_NOT_A_FORMULA: Final = re.compile(r"-(?:[0-9]+(?:\.[0-9]+)?|infinity)")
_MARKDOWN: Final = re.compile(r"[\\`*\[\]<>|~&]")  # starts a cell, a link, an image, a tag, an entity or an emphasis
_FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def python_rows(reader: "pa.RecordBatchReader") -> Iterator[list[Any]]:
    """Return each row as values that JSON has."""
    from collector.query.values import values_of

    for batch in reader:
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            columns = (values_of(column) for column in batch.slice(start, _BATCH_ROWS).columns)
            for row in zip(*columns, strict=True):
                yield [_json_value(value) for value in row]


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it: a timestamp is text in UTC, a decimal an exact number, bytes are hexadecimal."""
    match value:
        case None | bool() | int() | str() | float():
            return value
        case dt.datetime():
            return (value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat() + "Z"
        case dt.date() | dt.time():
            return value.isoformat()
        case Decimal():
            if value == value.to_integral_value():
                return int(value)
            # A number of JSON may have any number of digits; one of Python's floats may not.
            exact = Decimal(repr(float(value))) == value
            return float(value) if exact else msgspec.Raw(format(value, "f").encode())
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


def _objects(reader: "pa.RecordBatchReader") -> Iterator[bytes]:
    """Return each row as a JSON object; a repeated column name gets a number, because a member has its name once."""
    seen: dict[str, int] = {}
    names = []
    for name in reader.schema.names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return (msgspec.json.encode(dict(zip(names, values, strict=True))) for values in python_rows(reader))


def _write_json(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    separator = b"["
    for item in _objects(reader):
        sink.write(separator + b"\n " + item)
        separator = b","
    sink.write(b"[]\n" if separator == b"[" else b"\n]\n")


def _write_jsonl(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    for item in _objects(reader):
        sink.write(item + b"\n")


def _write_csv(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        # Python 3.11 does not quote a lone carriage return, which readers take for the end of a line.
        quoting_writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for values in itertools.chain([reader.schema.names], python_rows(reader)):
            cells = [_without_formula(value) if isinstance(value, str) else cell_text(value) for value in values]
            (quoting_writer if any("\r" in cell for cell in cells) else writer).writerow(cells)
    finally:
        text.detach()


def _without_formula(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA_START) and not _NOT_A_FORMULA.fullmatch(text) else text


def _write_markdown(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    def write_line(cells: Sequence[str]) -> None:
        sink.write(("| " + " | ".join(cells) + " |\n").encode(errors="replace"))

    write_line([_markdown_cell(name) for name in reader.schema.names])
    write_line(["---"] * len(reader.schema.names))
    for values in python_rows(reader):
        write_line([_markdown_cell(cell_text(value)) for value in values])


def _markdown_cell(text: str) -> str:
    return escape(_MARKDOWN.sub(r"\\\g<0>", text))


def _write_parquet(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    from collector.lake.parquet import write_answer

    write_answer(reader.schema, reader, sink)


WRITERS: Final = {
    RowFormat.json: _write_json,
    RowFormat.jsonl: _write_jsonl,
    RowFormat.csv: _write_csv,
    RowFormat.markdown: _write_markdown,
    RowFormat.parquet: _write_parquet,
}

"""Rows on their way out: a table for people, or one of the formats for programs.

JSON is one array of objects in column order, timestamps ISO 8601 with Z, lists and structs as JSON; a number
that is infinite or none (NaN) is null there and has its name elsewhere. In CSV, a text that a spreadsheet would
run as a formula gets a leading apostrophe. In text and Markdown every name is inert. A file is written whole or
not at all.
"""

import csv
import datetime as dt
import io
import itertools
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from collector.after_run.output_file import replaced
from collector.cli import terminal
from collector.cli.options import RowFormat
from collector.errors import SettingsError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH: Final = 2_000  # rows turned into Python values at a time
_SHOWN: Final = 200  # rows that a person can be expected to read on a terminal
_NO_FORMULA: Final = re.compile(r"-(?:[0-9]+(?:\.[0-9]+)?|infinity)")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write(rows: "pa.Table | pa.RecordBatchReader", form: RowFormat, output: str | None) -> None:
    """Write rows to a file, or to stdout; those of a reader as they come, but for text.

    Raises SettingsError when the file cannot be written.
    """
    with _sink(output, binary=form is RowFormat.parquet) as sink:
        if form is RowFormat.text:
            sink.write(
                as_text(_whole(rows), None if output else terminal.width_of(sys.stdout)).encode(errors="replace")
            )
        else:
            _WRITERS[form](rows, sink)


def write_text(text: str, output: str | None) -> None:
    """Write prose where rows would go."""
    with _sink(output, binary=False) as sink:
        sink.write(text.encode())


def as_text(table: "pa.Table", width: int | None) -> str:
    """A table as lines of text; on a terminal (`width`) the first rows, saying how many more there are."""
    from collector.cli.text_table import lines_of

    shown = table if width is None else table.slice(0, _SHOWN)
    cells = [[terminal.escape(_cell(value)) for value in row] for row in _values(shown)]
    left = table.num_rows - shown.num_rows
    more = f"… and {left:,} more rows; --format csv or -o FILE gives all\n" if left else ""
    return lines_of([terminal.escape(name) for name in table.column_names], cells, _numbers(table), width) + more


def plain(value: Any) -> Any:
    """A value as JSON has it: timestamps are UTC and say so, numbers are numbers, the rest is text."""
    # JSON has no infinite number and none that is no number: its encoder writes null.
    if value is None or isinstance(value, (bool, int, str, float)):
        return value
    if isinstance(value, dt.datetime):
        naive = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return naive.isoformat() + "Z"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        # A number of JSON may have any number of digits; one of Python's floats may not.
        exact = Decimal(repr(float(value))) == value
        return float(value) if exact else msgspec.Raw(format(value, "f").encode())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else str(value)


def _whole(rows: "pa.Table | pa.RecordBatchReader") -> "pa.Table":
    return rows.read_all() if hasattr(rows, "read_all") else rows


def _values(rows: "pa.Table | pa.RecordBatchReader") -> Iterator[list[Any]]:
    """Every row as JSON-ready values, a batch at a time."""
    from collector.query.values import values_of  # which needs pyarrow

    for batch in rows.to_batches(max_chunksize=_BATCH) if hasattr(rows, "to_batches") else rows:
        for start in range(0, batch.num_rows, _BATCH):
            part = batch.slice(start, _BATCH)
            columns = [[plain(value) for value in values_of(column)] for column in part.columns]
            yield from (list(row) for row in zip(*columns, strict=True))


def _names(rows: "pa.Table | pa.RecordBatchReader") -> list[str]:
    """Column names, each once: an object of JSON cannot hold two members of one name."""
    seen: dict[str, int] = {}
    names = []
    for name in rows.schema.names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _json(rows: "pa.Table | pa.RecordBatchReader", sink: BinaryIO) -> None:
    names, before = _names(rows), b"["
    for values in _values(rows):
        sink.write(before + b"\n " + msgspec.json.encode(dict(zip(names, values, strict=True))))
        before = b","
    sink.write(b"[]\n" if before == b"[" else b"\n]\n")


def _jsonl(rows: "pa.Table | pa.RecordBatchReader", sink: BinaryIO) -> None:
    names = _names(rows)
    for values in _values(rows):
        sink.write(msgspec.json.encode(dict(zip(names, values, strict=True))) + b"\n")


def _csv(rows: "pa.Table | pa.RecordBatchReader", sink: BinaryIO) -> None:
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    try:
        lines = csv.writer(text, lineterminator="\n")
        # Python 3.11 quotes a carriage return only where it is part of the line's end; readers take it for
        # one anyway.
        quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for values in itertools.chain([rows.schema.names], _values(rows)):
            cells = [_defused(value) if isinstance(value, str) else _cell(value) for value in values]
            (quoted if any("\r" in cell for cell in cells) else lines).writerow(cells)
    finally:
        text.detach()


def _defused(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) and not _NO_FORMULA.fullmatch(text) else text


def _markdown(rows: "pa.Table | pa.RecordBatchReader", sink: BinaryIO) -> None:
    def line(cells: Sequence[str]) -> bytes:
        return ("| " + " | ".join(cells) + " |\n").encode(errors="replace")

    names = rows.schema.names
    sink.write(line([_markdown_cell(name) for name in names]) + line(["---"] * len(names)))
    for values in _values(rows):
        sink.write(line([_markdown_cell(_cell(value)) for value in values]))


def _markdown_cell(text: str) -> str:
    # Backslash first. The others would open a cell, a link, an image, a tag, an entity or an emphasis.
    for char in "\\`*[]<>|~&":
        text = text.replace(char, "\\" + char)
    return terminal.escape(text)


def _parquet(rows: "pa.Table | pa.RecordBatchReader", sink: BinaryIO) -> None:
    from collector.lake import parquet

    parquet.write_answer(rows.schema, rows.to_batches() if hasattr(rows, "to_batches") else rows, sink)


_WRITERS: Final = {
    RowFormat.json: _json,
    RowFormat.jsonl: _jsonl,
    RowFormat.csv: _csv,
    RowFormat.markdown: _markdown,
    RowFormat.parquet: _parquet,
}


def _numbers(table: "pa.Table") -> list[bool]:
    """Which columns hold numbers, and so stand to the right."""
    import pyarrow as pa

    kinds = pa.types
    return [kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind) for kind in table.schema.types]


@contextmanager
def _sink(output: str | None, *, binary: bool) -> Iterator[BinaryIO]:
    if output is None:
        if binary and sys.stdout.isatty():
            raise UsageError("Parquet is not for terminals.", "Say -o FILE, or pipe it into a program.")
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with replaced(Path(output)) as sink:
            yield sink
    except OSError as why:
        raise SettingsError(
            f"{output} cannot be written: {why.strerror or why}.", "Name a file in a directory that you may write."
        ) from why

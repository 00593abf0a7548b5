"""Results on their way out: a table for people, or one of the formats for programs, to stdout or to a file.

JSON is one array of objects in column order, timestamps are ISO 8601 with Z, lists and structs are JSON. An infinite
number and NaN are null in JSON and have their names elsewhere. In CSV a text that a spreadsheet would run as a formula
gets a leading apostrophe. In text and Markdown every name is escaped. A file is replaced completely or not at all.
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

_BATCH_ROWS: Final = 2_000  # converted to Python values at a time
_MAX_ROWS_SHOWN: Final = 200  # on a terminal
_NOT_A_FORMULA: Final = re.compile(r"-(?:[0-9]+(?:\.[0-9]+)?|infinity)")
_MARKDOWN: Final = re.compile(r"[\\`*\[\]<>|~&]")  # starts a cell, a link, an image, a tag, an entity or an emphasis
_FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_rows(rows: "pa.Table | pa.RecordBatchReader", form: RowFormat, output: str | None) -> None:
    """Write rows to a file, or to stdout; every format but text writes the batches of a reader as they come.

    Raises SettingsError when the file cannot be written.
    """
    with _open(output, binary=form is RowFormat.parquet) as sink:
        if form is RowFormat.text:
            table = rows.read_all() if hasattr(rows, "read_all") else rows
            sink.write(table_text(table, None if output else terminal.width_of(sys.stdout)).encode(errors="replace"))
        else:
            _WRITERS[form](rows.to_reader() if hasattr(rows, "to_reader") else rows, sink)


def write_text(text: str, output: str | None) -> None:
    """Write text to a file, or to stdout. Raises SettingsError when the file cannot be written."""
    with _open(output, binary=False) as sink:
        sink.write(text.encode())


def write_json(value: object) -> None:
    """Write one JSON value and a line end to stdout, without secrets, in UTF-8 whatever the locale."""
    write_text(terminal.without_secrets(msgspec.json.encode(value).decode()) + "\n", None)


def table_text(table: "pa.Table", width: int | None) -> str:
    """Return a table as lines of text; for a terminal (`width`) the first rows and how many more there are."""
    import pyarrow as pa

    from collector.cli.text_table import draw_table

    shown = table if width is None else table.slice(0, _MAX_ROWS_SHOWN)
    cells = [[terminal.escape(_cell(value)) for value in row] for row in _values(shown.to_reader())]
    numeric = [
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        for kind in table.schema.types
    ]
    hidden = table.num_rows - shown.num_rows
    note = f"… and {hidden:,} more rows; --format csv or -o FILE gives all\n" if hidden else ""
    return draw_table([terminal.escape(name) for name in table.column_names], cells, numeric, width) + note


def duration_text(seconds: float) -> str:
    """Return a duration for people, in its two largest units."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86_400)
    parts = [(days, "d"), (rest // 3_600, "h"), (rest // 60 % 60, "min"), (rest % 60, "s")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def _values(reader: "pa.RecordBatchReader") -> Iterator[list[Any]]:
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


def _cell(value: Any) -> str:
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
    return (msgspec.json.encode(dict(zip(names, values, strict=True))) for values in _values(reader))


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
        for values in itertools.chain([reader.schema.names], _values(reader)):
            cells = [_without_formula(value) if isinstance(value, str) else _cell(value) for value in values]
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
    for values in _values(reader):
        write_line([_markdown_cell(_cell(value)) for value in values])


def _markdown_cell(text: str) -> str:
    return terminal.escape(_MARKDOWN.sub(r"\\\g<0>", text))


def _write_parquet(reader: "pa.RecordBatchReader", sink: BinaryIO) -> None:
    from collector.lake.parquet import write_answer

    write_answer(reader.schema, reader, sink)


_WRITERS: Final = {
    RowFormat.json: _write_json,
    RowFormat.jsonl: _write_jsonl,
    RowFormat.csv: _write_csv,
    RowFormat.markdown: _write_markdown,
    RowFormat.parquet: _write_parquet,
}


@contextmanager
def _open(output: str | None, *, binary: bool) -> Iterator[BinaryIO]:
    if output is None:
        if binary and sys.stdout.isatty():
            raise UsageError("Parquet cannot be shown on a terminal.", "Use -o FILE, or a pipe into a program.")
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with replaced(Path(output)) as sink:
            yield sink
    except OSError as error:
        raise SettingsError(
            f"{output} cannot be written: {error.strerror or error}.", "Name a file in a directory that you may write."
        ) from error

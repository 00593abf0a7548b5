"""Results on their way out: a table for people, or one of the formats for programs, to stdout or to a file.

In text every name is escaped. A file is replaced completely or not at all.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from collector.cli import terminal
from collector.cli.looks import PLAIN, Looks
from collector.cli.options import FactFormat, RowFormat
from collector.errors import SettingsError, UsageError
from collector.lake.plain_rows import PlainRows
from collector.settings.escape import escape

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_ROWS_SHOWN: Final = 200  # on a terminal
_BATCH_ROWS: Final = 2_000  # converted to Python values at a time
_NUMBER: Final = re.compile(
    r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|UINTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)"
)  # of DuckDB
_TIMESTAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def write_rows(
    rows: "pa.Table | pa.RecordBatchReader | PlainRows",
    form: RowFormat,
    output: str | None,
    answer: Sequence[str] = (),
    *,
    oldest_first: bool = False,
) -> None:
    """Write rows to a file, or to stdout; every format but text writes the batches of a reader as they come.

    `answer` names the columns that every table shows; of many rows a terminal shows the first, or the last where
    `oldest_first`. Raises SettingsError when the file cannot be written.
    """
    binary = form is RowFormat.parquet
    reader: Any = rows.to_reader(None if binary else _BATCH_ROWS) if hasattr(rows, "to_reader") else rows
    if binary and output is None and sys.stdout.isatty():
        raise UsageError("Parquet cannot be shown on a terminal.", "Use -o FILE, or a pipe into a program.")
    with _open(output) as sink:
        if form is RowFormat.text:
            width, looks = (None, PLAIN) if output else (terminal.width_of(sys.stdout), terminal.looks_of(sys.stdout))
            table = rows if isinstance(rows, PlainRows) else reader.read_all()
            text = table_text(table, width, answer=answer, oldest_first=oldest_first, looks=looks)
            sink.write(text.encode(errors="replace"))
        elif binary:
            from collector.lake.parquet import write_answer

            write_answer(reader.schema, reader, sink)
        else:
            from collector.cli.row_formats import PIECES

            sink.writelines(PIECES[form](reader))


def write_text(text: str, output: str | None, mode: int | None = None) -> None:
    """Write text to stdout, or to a file; a new one gets `mode`. Raises SettingsError when it cannot be written."""
    with _open(output, mode) as sink:
        sink.write(text.encode())


def show_rows(table: "pa.Table", answer: Sequence[str] = (), note: str = "", *, oldest_first: bool = False) -> None:
    """Show an answer in the prompt: on a terminal as a table with a note, page by page; in a pipe as TSV."""
    if not sys.stdout.isatty():
        write_rows(table, RowFormat.tsv, None)
        return
    width, looks = terminal.width_of(sys.stdout), terminal.looks_of(sys.stdout)
    show_text(table_text(table, width, answer=answer, oldest_first=oldest_first, looks=looks) + note)


def show_text(text: str) -> None:
    """Show text in the prompt, by a pager where it is longer than the terminal."""
    pager = shlex.split(os.environ.get("PAGER") or "less")
    is_long = sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines
    if not is_long or not pager or shutil.which(pager[0]) is None:
        write_text(text, None)
        return
    sys.stdout.flush()
    # -R: colours and links; -F and -X: what fits stays on the screen.
    subprocess.run(pager, input=text.encode(), env={"LESS": "-FRX", **os.environ}, check=False)


def copy_file(source: Path, output: str) -> None:
    """Write the content of a file to another one. Raises SettingsError when it cannot be written."""
    with source.open("rb") as content, _open(output) as sink:
        shutil.copyfileobj(content, sink)


def write_facts(value: object, lines: Iterable[str], form: FactFormat) -> None:
    """Write to stdout: for people lines, which are escaped, for programs one JSON value in UTF-8, without secrets."""
    if form is FactFormat.text:
        sys.stdout.write("".join(escape(line) + "\n" for line in lines))
        return
    import msgspec

    write_text(terminal.without_secrets(msgspec.json.encode(value).decode()) + "\n", None)


def table_text(
    table: "pa.Table | PlainRows",
    width: int | None,
    max_rows: int = _MAX_ROWS_SHOWN,
    *,
    answer: Sequence[str] = (),
    oldest_first: bool = False,
    looks: Looks = PLAIN,
) -> str:
    """Return a table as lines of text; for a terminal (`width`) `max_rows` of it, and how many more there are.

    These are the first, or the last where `oldest_first`.
    """
    from collector.cli.row_formats import cell_text, python_rows
    from collector.cli.text_table import draw_table, wrap

    hidden = 0 if width is None else max(0, table.num_rows - max_rows)
    shown = table.slice(hidden if oldest_first else 0, table.num_rows - hidden)
    rows = python_rows(shown if isinstance(shown, PlainRows) else shown.to_reader())
    cells = [[escape(cell_text(value)) for value in row] for row in rows]
    numeric, moments = _kinds(table)
    for at in (number for number, is_moment in enumerate(moments) if is_moment):
        for row in cells:
            row[at] = _TIMESTAMP.sub(r"\1 \2Z", row[at])
    which = "earlier" if oldest_first else "more"
    note = wrap(f"… and {hidden:,} {which} rows; a pipe, --format or -o FILE gives all\n", width) if hidden else ""
    names = [escape(name) for name in table.column_names]
    wanted = [escape(name) for name in answer]
    return draw_table(names, cells, numeric, width, answer=wanted, looks=looks) + note


def _kinds(table: "pa.Table | PlainRows") -> tuple[list[bool], list[bool]]:
    """Return which columns hold numbers, and which hold moments."""
    if isinstance(table, PlainRows):
        numbers = [bool(_NUMBER.fullmatch(kind)) for kind in table.types]
        return numbers, [kind.startswith("TIMESTAMP") and not kind.endswith("]") for kind in table.types]
    from pyarrow import types

    is_number = (types.is_integer, types.is_floating, types.is_decimal)
    numbers = [any(is_kind(kind) for is_kind in is_number) for kind in table.schema.types]
    return numbers, [types.is_timestamp(kind) for kind in table.schema.types]


@contextmanager
def _open(output: str | None, mode: int | None = None) -> Iterator[BinaryIO]:
    if output is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from collector.after_run.output_file import replaced

    try:
        with replaced(Path(output), mode=mode) as sink:
            yield sink
    except OSError as error:
        raise SettingsError(
            f"{output} cannot be written: {error.strerror or error}.", "Name a file in a directory that you may write."
        ) from error

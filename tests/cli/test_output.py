"""Output of rows: the formats that programs rely on, and tables for people."""

import csv
import datetime as dt
import io
import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from rich.cells import cell_len

from collector.cli.looks import Looks, looks_of
from collector.cli.options import RowFormat, row_format
from collector.cli.output import table_text, write_rows
from collector.cli.text_table import draw_table
from collector.errors import QueryError, SettingsError

AWKWARD = pa.table(
    {
        "name": ["=1+1", "two\nlines", None, "back`tick|pipe", "été 東京"],
        "when": pa.array([dt.datetime(2026, 11, 23, 2, 15), None, None, None, None], pa.timestamp("us")),
        "day": pa.array([dt.date(2026, 11, 23), None, None, None, None]),
        "list": pa.array([["a", None], [], None, None, None], pa.list_(pa.string())),
        "struct": pa.array([{"x": 1, "at": dt.datetime(2026, 1, 1)}, None, None, None, None]),
        "big": pa.array([2**62, -5, None, 0, 1], pa.int64()),
        "sum": pa.array([Decimal(12), None, None, None, None], pa.decimal128(38, 0)),
        "share": pa.array([0.5, float("nan"), None, 1e300, -0.0]),
        "flag": [True, False, None, None, None],
    }
)


def written(form: RowFormat, tmp_path: Path, table: pa.Table = AWKWARD) -> bytes:
    path = tmp_path / "out"
    write_rows(table, form, str(path))
    return path.read_bytes()


def test_json_is_one_array_in_column_order(tmp_path: Path) -> None:
    """Objects are in column order; timestamps are ISO 8601 with Z; lists and structs are JSON; NaN is null."""
    found = json.loads(written(RowFormat.json, tmp_path), object_pairs_hook=lambda pairs: pairs)
    assert [name for name, _ in found[0]] == AWKWARD.column_names
    first = dict(found[0])
    assert first["when"] == "2026-11-23T02:15:00Z"
    assert first["day"] == "2026-11-23"
    assert first["list"] == ["a", None]
    assert dict(first["struct"]) == {"x": 1, "at": "2026-01-01T00:00:00Z"}
    assert (first["big"], first["sum"], first["flag"]) == (2**62, 12, True)
    assert dict(found[1])["share"] is None
    assert dict(found[1])["name"] == "two\nlines"


def test_no_rows_are_an_empty_array(tmp_path: Path) -> None:
    """Without rows JSON is valid, and CSV names its columns."""
    empty = AWKWARD.slice(0, 0)
    assert json.loads(written(RowFormat.json, tmp_path, empty)) == []
    assert written(RowFormat.jsonl, tmp_path, empty) == b""
    assert written(RowFormat.csv, tmp_path, empty).decode().strip() == ",".join(AWKWARD.column_names)


def test_columns_of_one_name_are_all_kept(tmp_path: Path) -> None:
    """Two columns of one name are both in JSON."""
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert json.loads(written(RowFormat.json, tmp_path, table)) == [{"a": 1, "a_2": 2}]


def test_jsonl_is_one_object_per_line(tmp_path: Path) -> None:
    """JSON lines are the objects of JSON, one per line, line breaks escaped."""
    lines = written(RowFormat.jsonl, tmp_path).decode().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(written(RowFormat.json, tmp_path))


def test_csv_without_formulas(tmp_path: Path) -> None:
    """A text that a spreadsheet would run gets an apostrophe; everything else is unchanged, numbers with their sign."""
    header, *found = csv.reader(io.StringIO(written(RowFormat.csv, tmp_path).decode()))
    assert header == AWKWARD.column_names
    assert [row[0] for row in found] == ["'=1+1", "two\nlines", "", "back`tick|pipe", "été 東京"]
    assert found[1][5] == "-5"
    assert json.loads(found[0][3]) == ["a", None]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_every_start_of_a_formula(tmp_path: Path, start: str) -> None:
    """Every character that starts a formula in a spreadsheet gets an apostrophe, in column names too."""
    out = written(RowFormat.csv, tmp_path, pa.table({f"{start}x": [f"{start}cmd()"]})).decode()
    assert list(csv.reader(io.StringIO(out, newline=""))) == [[f"'{start}x"], [f"'{start}cmd()"]]


def test_markdown_is_escaped(tmp_path: Path) -> None:
    """No name starts a cell, a link, a tag or a line."""
    table = pa.table({"a": ["<script>", "[x](http://e)", "a|b", "two\nlines", "`code`"]})
    lines = written(RowFormat.markdown, tmp_path, table).decode().splitlines()
    assert len(lines) == 7
    for line in lines[2:]:
        assert line.replace("\\|", "").count("|") == 2
    assert lines[2] == "| \\<script\\> |"


def test_parquet_keeps_types(tmp_path: Path) -> None:
    """Parquet gives back an equal table."""
    from pyarrow import parquet

    table = AWKWARD.drop_columns(["share"])  # NaN is not equal to itself
    written(RowFormat.parquet, tmp_path, table)
    assert parquet.read_table(tmp_path / "out").equals(table)


def test_a_type_that_parquet_lacks_is_named(tmp_path: Path) -> None:
    """For a type that Parquet lacks, an interval, the message names other formats, and no file is left."""
    table = pa.table({"span": pa.array([pa.scalar((0, 1, 0), pa.month_day_nano_interval())])})
    with pytest.raises(QueryError, match="cannot be written as Parquet") as caught:
        write_rows(table, RowFormat.parquet, str(tmp_path / "out"))
    assert "--format" in caught.value.advice
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """An output that is not a regular file (a pipe, /dev/null) is written to and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_rows(pa.table({"x": [1]}), RowFormat.csv, str(pipe))
        assert os.read(reader, 100) == b"x\n1\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_the_target_of_a_link_is_replaced(tmp_path: Path) -> None:
    """When the output is a symbolic link, the link stays and its target has the rows."""
    (tmp_path / "link").symlink_to("rows.csv")
    write_rows(pa.table({"x": [1]}), RowFormat.csv, str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "rows.csv").read_bytes() == b"x\n1\n"


def test_a_reader_is_written_like_a_table(tmp_path: Path) -> None:
    """Rows that come in batches are written like those of a table, in every format."""
    for form in RowFormat:
        reader = pa.RecordBatchReader.from_batches(AWKWARD.schema, AWKWARD.to_batches(max_chunksize=2))
        write_rows(reader, form, str(tmp_path / "stream"))
        if form is not RowFormat.parquet:
            assert (tmp_path / "stream").read_bytes() == written(form, tmp_path)


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """When reading the rows fails, the old file is unchanged, and no other is left."""

    def failing() -> "object":
        yield AWKWARD.to_batches()[0]
        raise RuntimeError("torn")

    path = tmp_path / "out.csv"
    path.write_text("before", encoding="utf-8")
    reader = pa.RecordBatchReader.from_batches(AWKWARD.schema, failing())
    with pytest.raises(Exception, match="torn"):
        write_rows(reader, RowFormat.csv, str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text(encoding="utf-8") == "before"


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    """A file that cannot be created is a settings error that names it."""
    with pytest.raises(SettingsError, match="no/such/place"):
        write_rows(AWKWARD, RowFormat.json, str(tmp_path / "no/such/place"))


def test_the_umask_applies(tmp_path: Path) -> None:
    """An output file gets the mode of any other file that its owner creates."""
    old = os.umask(0o027)
    try:
        written(RowFormat.json, tmp_path)
    finally:
        os.umask(old)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_table_fits_the_terminal(width: int, count: int) -> None:
    """No line is wider than the terminal, whatever the columns, names and values."""
    for columns in (1, 3, 8, 20):
        for value in ("", "x" * 250, "words and more " * 9, "東京" * 40):
            names = [f"column_{number}" + "y" * 4 * number for number in range(columns)]
            cells = [[f"{row}{value}{column}" for column in range(columns)] for row in range(count)]
            for rows in (cells, [cells[0]] * count if cells else []):
                text = draw_table(names, rows, [False] * columns, width)
                assert max(cell_len(line) for line in text.splitlines()) <= width
                assert names[0][:5] in text


def test_hidden_columns_are_named() -> None:
    """A column with one value is a heading, hidden ones are named, and columns of addresses are hidden first."""
    names = ["same", "link", *(f"column_{number:02}" for number in range(9))]
    cells = [["as always", f"https://x.example/{row}{'y' * 40}", *[f"{row}{'z' * 30}"] * 9] for row in range(4)]
    text = " ".join(draw_table(names, cells, [False] * 11, 100).split())
    assert "same as always" in text
    for name in names:
        assert name in text
    missing = text[text.index("Not shown, too narrow: ") :]
    assert "link" in missing
    assert "column_00" not in missing
    assert "column_08" in missing


def test_the_answer_is_never_left_out() -> None:
    """Columns that are the answer come first and stay; what repeats becomes a heading; addresses become links."""
    names = ["id", "place", "name", "what", "html_url"]
    cells = [[str(row), f"place {row // 2}", f"name-{row}", "w" * 20, f"https://x.example/{row}"] for row in range(4)]
    answer = ("place", "name", "what")
    text = draw_table(names, cells, [True, *[False] * 4], 36, answer=answer, looks=Looks(colour=False, links=True))
    links = [f"\x1b]8;id=ID;https://x.example/{row}\x1b\\name-{row}\x1b]8;;\x1b\\" for row in range(4)]
    assert re.sub(r"id=\d+", "id=ID", text).splitlines() == [
        *("  name    what", "  " + "─" * 28, "place place 0"),
        *(f"  {links[0]}  {'w' * 20}", f"  {links[1]}  {'w' * 20}", "place place 1"),
        *(f"  {links[2]}  {'w' * 20}", f"  {links[3]}  {'w' * 20}"),
        "Not shown, too narrow: id (--format",
        "json has all).",
    ]


def test_columns_of_one_name_are_all_shown() -> None:
    """Two columns of one name keep their own values, in a table and in records."""
    for width in (40, 200):
        text = draw_table(["a", "a", "b"], [["1", "2", "w" * 50]], [False] * 3, width, answer=("a", "b"))
        assert text.index("1") < text.index("w") < text.index("2")


def test_colour_and_links_only_where_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known status has a colour, any other text none; NO_COLOR and --color decide, and a pipe has neither."""
    assert Looks(colour=True).of_value("status", "partial") == "yellow"
    assert Looks(colour=True).of_value("name", "partial") == Looks(colour=True).of_value("status", "x") == ""
    assert Looks(links=True).link("javascript:alert(1)") == Looks(links=True).link("https://x/ y") == ""
    for name in ("NO_COLOR", "FORCE_HYPERLINK", "TERM_PROGRAM", "VTE_VERSION", "WT_SESSION", "KONSOLE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with open(os.openpty()[1], "w", encoding="utf-8") as screen, open(os.devnull, "w", encoding="utf-8") as pipe:
        assert (looks_of(pipe), looks_of(pipe, "always")) == (Looks(), Looks(colour=True))
        assert (looks_of(screen), looks_of(screen, "never")) == (Looks(colour=True), Looks())
        monkeypatch.setenv("NO_COLOR", "1")
        assert (looks_of(screen), looks_of(screen, "always")) == (Looks(), Looks(colour=True))
        monkeypatch.setenv("VTE_VERSION", "7600")
        assert (looks_of(screen), looks_of(screen, "never")) == (Looks(links=True), Looks())
        monkeypatch.setenv("FORCE_HYPERLINK", "0")
        assert looks_of(screen) == Looks()


@pytest.mark.parametrize(
    ("form", "output", "chosen"),
    [
        (None, None, RowFormat.tsv),
        (None, "x.parquet", RowFormat.parquet),
        (None, "x.CSV", RowFormat.csv),
        (None, "x.jsonl", RowFormat.jsonl),
        (None, "dir.json/x.md", RowFormat.markdown),
        (None, "x.tsv", RowFormat.tsv),
        (None, "x.txt", RowFormat.text),
        (None, "x", RowFormat.tsv),
        (RowFormat.md, None, RowFormat.markdown),
        (RowFormat.json, "x.csv", RowFormat.json),
    ],
)
def test_the_format_of_rows(form: RowFormat | None, output: str | None, chosen: RowFormat) -> None:
    """What is asked for counts, then the ending of the file, and a pipe gets tab-separated values."""
    assert row_format(form, output) is chosen


def test_tab_separated_values_have_one_line_per_row(tmp_path: Path) -> None:
    """A header, no padding, no tab or line end within a value, and no text that a spreadsheet would run."""
    table = pa.table({"name": ["a\tb", "two\nlines", "=1+1", None], "n": [1, -2, None, 4]})
    lines = written(RowFormat.tsv, tmp_path, table).decode().split("\n")
    assert lines == ["name\tn", "a\\tb\t1", "two\\nlines\t-2", "'=1+1\t", "\t4", ""]


def test_records() -> None:
    """A few rows that are too wide for a table are shown one value per line, uncut."""
    names = [f"column_{number}" for number in range(30)]
    cells = [[f"value {number} " + "w" * 50 for number in range(30)]]
    text = draw_table(names, cells, [False] * 30, 80)
    assert all(name in text for name in names)
    assert "".join(text.split()).count("w" * 50) == 30


def test_numbers_are_aligned_right() -> None:
    """Columns of numbers are aligned right."""
    assert draw_table(["n", "name"], [["5", "a"], ["1000", "b"]], [True, False], 80).splitlines()[2:] == [
        "   5  a",
        "1000  b",
    ]


def test_names_are_escaped_in_tables() -> None:
    """Markup, escape sequences and line breaks in a name are shown as text."""
    table = pa.table({"[bold]a": ["[red]x[/red]", "\x1b[2J", "two\nlines"]})
    text = table_text(table, 60)
    assert "[red]x[/red]" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5


def test_a_long_answer_is_cut_on_a_terminal_only() -> None:
    """A terminal shows the first rows, or the newest, and how many more there are; a file gets all of them."""
    table = pa.table({"n": list(range(1000))})
    first, newest = table_text(table, 80), table_text(table, 80, oldest_first=True)
    assert "… and 800 more rows" in first
    assert "… and 800 earlier rows" in newest
    assert [text.count("999") for text in (first, newest)] == [0, 1]
    assert all(
        len(text.splitlines()) == 1002 for text in (table_text(table, None), table_text(table, None, oldest_first=True))
    )

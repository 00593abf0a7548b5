"""Tables, records and lists as lines of text. Cells arrive escaped.

A `width` of None is no terminal and so no limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Final, NamedTuple

from rich.cells import cell_len

from collector.cli.looks import PLAIN, Looks, styled
from collector.cli.table_layout import GAP, INDENT, TableLayout, TextColumn, choose_layout, fitted_sizes
from collector.cli.wrapping import longest_piece, wrap_text

_MAX_FILE_WIDTH: Final = 60  # without a terminal: a longer cell moves the rest of its own row only
_PLACES: Final = ("action", "pipeline", "project", "workspace")  # what an address leads to, the nearest first
_ADDRESS: Final = "html_url"


class _Cell(NamedTuple):
    text: str
    style: str = ""
    right: bool = False


def draw_table(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    width: int | None,
    *,
    answer: Sequence[str] = (),
    looks: Looks = PLAIN,
    grouped: bool = True,
) -> str:
    """Return rows as lines of at most `width` columns; `numeric` columns align right, `answer` names those to keep.

    Unless it is `grouped`, no column becomes a heading.
    """
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    columns = [TextColumn(*column) for column in zip(names, cells, numeric, strict=True)]
    if width is None:
        return _aligned(columns)
    links = {c.name.removesuffix(_ADDRESS): c.whole for c in columns if c.name.endswith(_ADDRESS)}
    wanted = [next(column for column in columns if column.name == name) for name in answer]
    # Where names are links, addresses need no column of their own.
    others = [c for c in columns if c not in wanted and not (looks.links and c.name.endswith(_ADDRESS))]
    layout = choose_layout(wanted, others, width, grouped=grouped)
    drawing = _Drawing(layout, links, width, looks)
    return drawing.records() if layout.as_records else drawing.table()


def draw_list(rows: Sequence[tuple[str, ...]], width: int | None) -> str:
    """Return rows without a header; the last cell of each is wrapped within its column."""
    *sizes, last = (max(map(cell_len, column)) for column in zip(*rows, strict=True))
    if width is not None:
        last = max(1, min(last, width - sum(sizes) - GAP * len(sizes)))
    return _grid([[_Cell(cell) for cell in row] for row in rows], [*sizes, last])


def wrap(text: str, width: int | None) -> str:
    """Return lines of text, wrapped within `width`."""
    if width is None:
        return text
    return "".join(f"{part}\n" for line in text.splitlines() for part in wrap_text(line, width))


def _aligned(columns: Sequence[TextColumn]) -> str:
    padded = []
    for column in columns:
        width = min(max(map(cell_len, (column.name, *column.whole))), _MAX_FILE_WIDTH)
        cells = [(cell, " " * (width - cell_len(cell))) for cell in (column.name, "─" * width, *column.whole)]
        padded.append([space + cell if column.numeric else cell + space for cell, space in cells])
    return "".join((" " * GAP).join(row).rstrip() + "\n" for row in zip(*padded, strict=True))


class _Drawing:
    """One answer on one terminal."""

    def __init__(self, layout: TableLayout, links: Mapping[str, Sequence[str]], width: int, looks: Looks) -> None:
        self._layout, self._width, self._looks = layout, width, looks
        names = [column.name for column in layout.shown]
        # Each address belongs to the column of its name; `html_url` is that of the nearest place, else of the row.
        row_name = next((name for name in _PLACES if name in names), names[0])
        self._links = {prefix.removesuffix("_") or row_name: cells for prefix, cells in links.items()}

    def table(self) -> str:
        shown = self._layout.shown
        indent = INDENT * bool(self._layout.headings)
        sizes = fitted_sizes(shown, self._width - indent)
        text = _grid([[_Cell(c.name, self._looks.title, c.numeric) for c in shown]], sizes, indent)
        text += " " * indent + "─" * (sum(sizes) + GAP * (len(sizes) - 1)) + "\n"
        for heading, numbers in self._blocks():
            text += heading + _grid([[self._cell(c, n) for c in shown] for n in numbers], sizes, indent)
        return text + self._hidden()

    def records(self) -> str:
        shown = self._layout.shown
        if not shown[0].cells:
            return wrap(", ".join(column.name for column in shown) + "\n", self._width) + self._hidden()
        size = min(max(cell_len(column.name) for column in shown), self._width // 3)
        sizes = [size, self._width - size - GAP]
        text, number = "", 0
        for heading, numbers in self._blocks():
            text += heading
            for n in numbers:
                number += 1
                text += f"── {number} ".ljust(min(self._width, 60), "─") + "\n"
                for alone, columns in groupby(shown, key=lambda column: self._needs_own_line(column, n, sizes[1])):
                    if alone:
                        text += "".join(f"{column.name}\n{column.whole[n]}\n" for column in columns)
                    else:
                        values = [[_Cell(column.name), self._value(column, n, sizes[1])] for column in columns]
                        text += _grid(values, sizes)
        return text + self._hidden()

    def _blocks(self) -> Iterator[tuple[str, list[int]]]:
        """Return the numbers of the rows in blocks of the same heading, each with its heading as text."""
        headings = self._layout.headings
        numbers = range(len(self._layout.shown[0].cells))
        for values, block in groupby(numbers, key=lambda n: [column.cells[n] for column in headings]):
            named = [f"{column.name} {value or '–'}" for column, value in zip(headings, values, strict=True)]
            lines = wrap_text(" · ".join(named), self._width) if named else []
            yield _grid([[_Cell(line, self._looks.title)] for line in lines], [self._width]), list(block)

    def _needs_own_line(self, column: TextColumn, number: int, size: int) -> bool:
        """Return whether a value is an address that is whole only on a line of its own."""
        return column.holds_addresses and size < cell_len(column.whole[number]) <= self._width

    def _value(self, column: TextColumn, number: int, size: int) -> _Cell:
        """Return a value of a record, with whole revisions and digests if there is room for them."""
        whole = column.whole[number]
        value = whole if longest_piece(whole) <= size else column.cells[number]
        return _Cell(value, self._style(column, number))

    def _cell(self, column: TextColumn, number: int) -> _Cell:
        return _Cell(column.cells[number], self._style(column, number), column.numeric)

    def _style(self, column: TextColumn, number: int) -> str:
        style = self._looks.of_value(column.name, column.whole[number])
        link = self._looks.link(self._links[column.name][number]) if column.name in self._links else ""
        return f"{style} {link}".strip()

    def _hidden(self) -> str:
        if not self._layout.hidden:
            return ""
        names = ", ".join(column.name for column in self._layout.hidden)
        return wrap(f"Not shown, too narrow: {names} (--format json has all).\n", self._width)


def _grid(rows: Sequence[Sequence[_Cell]], sizes: Sequence[int], indent: int = 0) -> str:
    """Return rows of cells in columns of fixed sizes, wrapped as `wrap_text` does it."""
    lines = []
    for row in rows:
        wrapped = [wrap_text(cell.text, size) for cell, size in zip(row, sizes, strict=True)]
        for parts in zip_longest(*wrapped, fillvalue=""):
            drawn = map(_padded, row, parts, sizes)
            lines.append(" " * indent + (" " * GAP).join(drawn).rstrip() + "\n")
    return "".join(lines)


def _padded(cell: _Cell, part: str, size: int) -> str:
    """Return a line of a cell; its style is that of the text alone and not of the space around it."""
    text, space = styled(part, cell.style), " " * (size - cell_len(part))
    return space + text if cell.right else text + space

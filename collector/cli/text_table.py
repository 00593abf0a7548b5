"""Tables for people, drawn by rich; the choice of what fits a terminal is made here.

A column with one value in every row is reported in a line below the table. If the columns are still too many, the last
ones are hidden and named below it; up to three rows are then shown as records instead, one value per line. Cells arrive
escaped and are shown as they are.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_GAP: Final = 2
_MIN_WIDTH: Final = 12  # of a column: a name is still readable
_MAX_PIPE_WIDTH: Final = 60  # without a terminal: a longer cell moves the rest of its own row only
_MAX_RECORDS: Final = 3
_MAX_CELL_LINES: Final = 6  # JSON of permissions or variables would fill the screen


@dataclass(frozen=True, eq=False)
class _Column:
    """One column: `size` is the width of its widest cell or name, `minimum` the smallest width that it is given."""

    name: str
    cells: tuple[str, ...]
    numeric: bool

    @cached_property
    def size(self) -> int:
        return max(map(cell_len, (self.name, *self.cells)))

    @property
    def minimum(self) -> int:
        return min(self.size, max(_MIN_WIDTH, cell_len(self.name)))

    @property
    def is_constant(self) -> bool:
        return len(self.cells) > 1 and len(set(self.cells)) == 1

    @property
    def has_addresses(self) -> bool:
        return bool(self.cells) and all(cell.startswith(("https://", "http://")) for cell in self.cells)


def draw_table(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int | None) -> str:
    """Return a table as lines of at most `width` columns, uncut when `width` is None; `numeric` columns align right."""
    if not names:
        return ""
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    columns = [_Column(*column) for column in zip(names, cells, numeric, strict=True)]
    sizes = [column.size for column in columns]
    if width is None:
        return _aligned(columns, [min(size, _MAX_PIPE_WIDTH) for size in sizes])
    if _total(sizes) <= width:
        return _render(width, _table(columns, sizes))
    if 0 < len(rows) <= _MAX_RECORDS and _total([min(size, _MIN_WIDTH) for size in sizes]) > width:
        return _records(names, rows, width)
    return _fitted(columns, width)


def wrap(text: str, width: int | None) -> str:
    """Return lines of text, wrapped within `width`, which is None without a terminal."""
    return text if width is None else _render(width, Text(text.removesuffix("\n")))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _aligned(columns: Sequence[_Column], widths: Sequence[int]) -> str:
    lines = []
    texts = ((column.name, "─" * width, *column.cells) for column, width in zip(columns, widths, strict=True))
    for row in zip(*texts, strict=True):
        padded = []
        for cell, column, width in zip(row, columns, widths, strict=True):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if column.numeric else cell + space)
        lines.append((" " * _GAP).join(padded).rstrip() + "\n")
    return "".join(lines)


def _fitted(columns: Sequence[_Column], width: int) -> str:
    varying = [column for column in columns if not column.is_constant] or [columns[0]]
    constant = [column for column in columns if column not in varying]
    # Addresses are hidden first: broken over several lines, nobody can click them.
    shown = [column for column in varying if not column.has_addresses] or varying[:1]
    while len(shown) > 1 and _total([column.minimum for column in shown]) > width:
        shown.pop()
    minimum = [column.minimum for column in shown]
    widths = [min(column.size, width) for column in shown]
    while _total(widths) > width:
        surplus = [size - least for size, least in zip(widths, minimum, strict=True)]
        widths[surplus.index(max(surplus))] -= 1
    parts: list[RenderableType] = [_table(shown, widths)]
    if values := [f"{column.name} {column.cells[0]}" for column in constant if column.cells[0]]:
        parts.append(Text("The same in every row shown: " + " · ".join(values)))
    if hidden := [column.name for column in varying if column not in shown]:
        parts.append(Text(f"Hidden, terminal too narrow: {', '.join(hidden)} (--format json shows all)."))
    return _render(width, *parts)


def _table(columns: Sequence[_Column], widths: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.numeric else "left"
        table.add_column(Text(column.name), justify=justify, overflow="fold", width=width)
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [Text(cell) for cell in row]
        for cell, width in zip(cells, widths, strict=True):
            cell.truncate(_MAX_CELL_LINES * width, overflow="ellipsis")
        table.add_row(*cells)
    return table


def _records(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    parts: list[RenderableType] = []
    for number, row in enumerate(rows, 1):
        record = Table.grid(padding=(0, _GAP, 0, 0))
        record.add_column(overflow="fold")
        record.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            record.add_row(Text(name), Text(cell))
        parts += [Text(f"── {number} ".ljust(min(width, 60), "─")), record]
    return _render(width, *parts)


def _render(width: int, *parts: RenderableType) -> str:
    drawn = io.StringIO()
    console = Console(
        file=drawn, width=width, color_system=None, force_jupyter=False, highlight=False, markup=False, emoji=False
    )
    for part in parts:
        console.print(part, overflow="fold")
    return "".join(line.rstrip() + "\n" for line in drawn.getvalue().removesuffix("\n").split("\n"))

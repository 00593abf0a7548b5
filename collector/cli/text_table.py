"""Tables and texts for people, drawn by rich; the choice of what fits a terminal is made here.

A column with one value in every row is reported in a line below the table. If the columns are still too many, the last
ones are hidden and named below it; up to three rows are then shown as records instead, one value per line. Cells arrive
escaped and are shown as they are. A `width` of None is no terminal and so no limit.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Column, Table
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


def draw_table(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int | None) -> str:
    """Return a table as lines of at most `width` columns; `numeric` columns align right."""
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    columns = [_Column(*column) for column in zip(names, cells, numeric, strict=True)]
    sizes = [column.size for column in columns]
    if width is None:
        return _aligned(columns)
    if _total(sizes) <= width:
        return _render(width, _table(columns, sizes))
    if 0 < len(rows) <= _MAX_RECORDS and _total([min(size, _MIN_WIDTH) for size in sizes]) > width:
        parts: list[RenderableType] = []
        for number, row in enumerate(rows, 1):
            parts += [f"── {number} ".ljust(min(width, 60), "─"), _grid(list(zip(names, row, strict=True)))]
        return _render(width, *parts)
    return _fitted(columns, width)


def draw_list(rows: Sequence[tuple[str, ...]], width: int | None) -> str:
    """Return rows without a header, each cell wrapped within its column."""
    return _render(width, _grid(rows))


def wrap(text: str, width: int | None) -> str:
    """Return lines of text, wrapped within `width`."""
    return text if width is None else _render(width, text.removesuffix("\n"))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _aligned(columns: Sequence[_Column]) -> str:
    padded = []
    for column in columns:
        width = min(column.size, _MAX_PIPE_WIDTH)
        cells = [(cell, " " * (width - cell_len(cell))) for cell in (column.name, "─" * width, *column.cells)]
        padded.append([space + cell if column.numeric else cell + space for cell, space in cells])
    return "".join((" " * _GAP).join(row).rstrip() + "\n" for row in zip(*padded, strict=True))


def _fitted(columns: Sequence[_Column], width: int) -> str:
    varying = [column for column in columns if len(column.cells) < 2 or len(set(column.cells)) > 1] or [columns[0]]
    # Addresses are hidden first: broken over several lines, nobody can click them.
    shown = [c for c in varying if not c.cells or not all(cell.startswith(("https://", "http://")) for cell in c.cells)]
    shown = shown or varying[:1]
    while len(shown) > 1 and _total([column.minimum for column in shown]) > width:
        shown.pop()
    widths = [min(column.size, width) for column in shown]
    while _total(widths) > width:
        surplus = [size - column.minimum for size, column in zip(widths, shown, strict=True)]
        widths[surplus.index(max(surplus))] -= 1
    parts: list[RenderableType] = [_table(shown, widths)]
    if values := [f"{each.name} {each.cells[0]}" for each in columns if each not in varying and each.cells[0]]:
        parts.append("The same in every row shown: " + " · ".join(values))
    if hidden := [column.name for column in varying if column not in shown]:
        parts.append(f"Hidden, terminal too narrow: {', '.join(hidden)} (--format json shows all).")
    return _render(width, *parts)


def _table(columns: Sequence[_Column], widths: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.name, justify="right" if column.numeric else "left", overflow="fold", width=width)
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [Text(cell) for cell in row]
        for cell, width in zip(cells, widths, strict=True):
            cell.truncate(_MAX_CELL_LINES * width, overflow="ellipsis")
        table.add_row(*cells)
    return table


def _grid(rows: Sequence[Sequence[str]]) -> Table:
    grid = Table.grid(*(Column(overflow="fold") for _ in rows[0]), padding=(0, _GAP, 0, 0))
    for row in rows:
        grid.add_row(*row)
    return grid


def _render(width: int | None, *parts: RenderableType) -> str:
    drawn = io.StringIO()
    console = Console(file=drawn, width=width or 10_000, color_system=None, highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(part, overflow="fold")
    return "".join(line.rstrip() + "\n" for line in drawn.getvalue().splitlines())

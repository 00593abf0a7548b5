"""Tables for people, drawn by rich; the choice of what fits a terminal is made here.

A column with one value in every row is reported in a line below the table. If the columns are still too many, the last ones
are hidden, and named below it; up to three rows are then shown as records instead, one value per line. Cells arrive escaped
and are shown as they are.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_GAP: Final = 2
_MIN_COLUMN: Final = 12  # a name is still readable
_MAX_PIPE_COLUMN: Final = 60  # a longer cell moves the rest of its own row only
_MAX_RECORDS: Final = 3
_MAX_CELL_LINES: Final = 6  # JSON of permissions or variables would fill the screen


def draw_table(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int | None) -> str:
    """Return a table as lines of at most `width` columns, or uncut when `width` is None; `numeric` columns align right."""
    if not names:
        return ""
    sizes = [max([cell_len(name), *(cell_len(row[i]) for row in rows)]) for i, name in enumerate(names)]
    if width is None:
        return _aligned(names, rows, numeric, [min(size, _MAX_PIPE_COLUMN) for size in sizes])
    if _total(sizes) <= width:
        return _render(width, _table(names, rows, numeric, sizes))
    if 0 < len(rows) <= _MAX_RECORDS and _total([min(size, _MIN_COLUMN) for size in sizes]) > width:
        return _records(names, rows, width)
    return _fitted(names, rows, numeric, sizes, width)


def draw_list(rows: Iterable[Sequence[str]], width: int | None) -> str:
    """Return rows without a header, each column as wide as its longest cell; the last column is wrapped within `width`."""
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for row in rows:
        grid.add_row(*(Text(cell, overflow="fold") for cell in row))
    return _render(width or 10_000, grid)


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


def _aligned(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], sizes: Sequence[int]) -> str:
    lines = []
    for row in (names, ["─" * size for size in sizes], *rows):
        cells = []
        for cell, right, size in zip(row, numeric, sizes, strict=True):
            space = " " * (size - cell_len(cell))
            cells.append(space + cell if right else cell + space)
        lines.append((" " * _GAP).join(cells).rstrip() + "\n")
    return "".join(lines)


def _fitted(
    names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], sizes: Sequence[int], width: int
) -> str:
    varying = [i for i in range(len(names)) if len(rows) < 2 or len({row[i] for row in rows}) > 1] or [0]
    constant = [i for i in range(len(names)) if i not in varying]
    # Addresses are hidden first: broken over several lines, nobody can click them.
    addresses = {i for i in varying if rows and all(row[i].startswith(("https://", "http://")) for row in rows)}
    shown = [i for i in varying if i not in addresses] or varying[:1]
    minimum = [min(size, max(_MIN_COLUMN, cell_len(name))) for name, size in zip(names, sizes, strict=True)]
    while len(shown) > 1 and _total([minimum[i] for i in shown]) > width:
        shown.pop()
    widths = {i: min(sizes[i], width) for i in shown}
    while _total([*widths.values()]) > width:
        widths[max(shown, key=lambda i: widths[i] - minimum[i])] -= 1
    cells = [[row[i] for i in shown] for row in rows]
    table = _table([names[i] for i in shown], cells, [numeric[i] for i in shown], [*widths.values()])
    parts: list[RenderableType] = [table]
    if values := [f"{names[i]} {rows[0][i]}" for i in constant if rows[0][i]]:
        parts.append(Text("The same in every row shown: " + " · ".join(values)))
    if hidden := [names[i] for i in varying if i not in shown]:
        parts.append(Text(f"Hidden, terminal too narrow: {', '.join(hidden)} (--format json shows all)."))
    return _render(width, *parts)


def _table(
    names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], widths: Sequence[int]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name, right, width in zip(names, numeric, widths, strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold", width=width)
    for row in rows:
        cells = [Text(cell) for cell in row]
        for cell, width in zip(cells, widths, strict=True):
            cell.truncate(_MAX_CELL_LINES * width, overflow="ellipsis")
        table.add_row(*cells)
    return table


def _records(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    parts: list[RenderableType] = []
    for number, row in enumerate(rows, 1):
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        grid.add_column(overflow="fold")
        grid.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            grid.add_row(Text(name), Text(cell))
        parts += [Text(f"── {number} ".ljust(min(width, 60), "─")), grid]
    return _render(width, *parts)


def _render(width: int, *parts: RenderableType) -> str:
    drawn = io.StringIO()
    console = Console(
        file=drawn, width=width, color_system=None, force_jupyter=False, highlight=False, markup=False, emoji=False
    )
    for part in parts:
        console.print(part, overflow="fold")
    return "".join(line.rstrip() + "\n" for line in drawn.getvalue().removesuffix("\n").split("\n"))

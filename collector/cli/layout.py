"""Rows as text for people: aligned columns, wrapped to the terminal; one value under the other when columns
would be too narrow.

Cells are made inert before they come here: everything that is given is shown as it is.
"""

import io
import textwrap
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Columns below this width are unreadable; a table that would need narrower ones is shown record by record.
_NARROWEST: Final = 9
_GAP: Final = 2


def lines_of(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], width: int | None
) -> str:
    """A table as lines of text, within `width` columns when there is one; `right` says which columns hold
    numbers.
    """
    if not names:
        return ""
    natural = [max([cell_len(name), *(cell_len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    gaps = _GAP * (len(names) - 1)
    if width is None or sum(natural) + gaps <= width:
        return _aligned(names, cells, right, natural)
    if sum(min(size, _NARROWEST) for size in natural) + gaps > width:
        return _records(names, cells, width)
    return _fitted(names, cells, right, width)


def _aligned(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], sizes: Sequence[int]
) -> str:
    def line(row: Sequence[str]) -> str:
        spaces = [" " * (size - cell_len(text)) for text, size in zip(row, sizes, strict=True)]
        padded = [
            gap + text if end else text + gap for text, gap, end in zip(row, spaces, right, strict=True)
        ]
        return (" " * _GAP).join(padded).rstrip() + "\n"

    return "".join([line(names), line(["─" * size for size in sizes]), *(line(row) for row in cells)])


def _fitted(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name, end in zip(names, right, strict=True):
        table.add_column(Text(name), justify="right" if end else "left", overflow="fold", min_width=4)
    for row in cells:
        # Text objects, never markup: a name such as "[red]" stays a name.
        table.add_row(*(Text(text) for text in row))
    # Written to memory without colours, so that nothing but the text itself reaches the terminal.
    written = io.StringIO()
    Console(file=written, width=width, color_system=None, legacy_windows=False).print(table)
    return "".join(line.rstrip() + "\n" for line in written.getvalue().strip("\n").split("\n"))


def _records(names: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> str:
    widest = max(cell_len(name) for name in names)
    room = max(20, width - widest - _GAP)
    lines = []
    for number, row in enumerate(cells, 1):
        lines.append(f"── {number} " + "─" * max(0, min(width, 60) - len(str(number)) - 4))
        for name, text in zip(names, row, strict=True):
            first, *rest = textwrap.wrap(text, room) or [""]
            lines.append(f"{name}{' ' * (widest - cell_len(name) + _GAP)}{first}".rstrip())
            lines.extend(" " * (widest + _GAP) + line for line in rest)
    return "".join(line + "\n" for line in lines)

"""Rows as text for people: aligned columns that fit the terminal.

What a column says in every row is said once, below. Where the columns are too many all the same, the last
ones give way and are named, so that nothing is missing unnoticed; a row or two are then better shown one
value under the other. Cells are made inert before they come here: everything that is given is shown as it is.
"""

import io
import textwrap
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_LEAST: Final = 12  # a column this wide still shows a name; none is made narrower
_WIDEST: Final = 60
_FEW: Final = 3  # so many rows can be read one value under the other
_TALLEST: Final = 6  # lines of one cell: JSON of permissions or variables would fill the screen


def lines_of(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], width: int | None) -> str:
    """A table as lines of text, within `width` columns when there is one; `right` says which hold numbers."""
    if not names:
        return ""
    natural = _natural(names, cells)
    if width is None or _total(natural) <= width:
        # Without a terminal nothing is cut; but one long cell does not push all the others away.
        return _aligned(names, cells, right, [min(size, _WIDEST) for size in natural] if width is None else natural)
    if len(cells) <= _FEW and _total([min(size, _LEAST) for size in natural]) > width:
        return _records(names, cells, width)
    return _fitted(names, cells, right, width)


def _natural(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max([cell_len(name), *(cell_len(row[i]) for row in cells)]) for i, name in enumerate(names)]


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * max(0, len(sizes) - 1)


def _aligned(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], sizes: Sequence[int]) -> str:
    head = _row([[name] for name in names], right, sizes) + (" " * _GAP).join("─" * size for size in sizes) + "\n"
    return head + "".join(_row([[text] for text in row], right, sizes) for row in cells)


def _fitted(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> str:
    """What is alike in all rows goes below, then as many columns as fit, from the left."""
    alike = [i for i in range(len(names)) if len({row[i] for row in cells}) == 1 and len(cells) > 1]
    differ = [i for i in range(len(names)) if i not in alike]
    natural = _natural(names, cells)
    least = [min(natural[i], max(_LEAST, cell_len(names[i]))) for i in range(len(names))]
    # Addresses give way first: broken over six lines, nobody can click them.
    shown = [i for i in differ if not all(row[i].startswith(("https://", "http://")) for row in cells)] or differ[:1]
    while len(shown) > 1 and _total([least[i] for i in shown]) > width:
        shown.pop()
    sizes = _shared([natural[i] for i in shown], [least[i] for i in shown], width)
    text = _wrapped(
        [names[i] for i in shown], [[row[i] for i in shown] for row in cells], [right[i] for i in shown], sizes
    )
    said = [f"{names[i]} {cells[0][i]}" for i in alike if cells[0][i]]
    hidden = [names[i] for i in differ if i not in shown]
    notes = [("In every row shown: " + " · ".join(said)) if said else "", ""]
    if hidden:
        notes[1] = f"Not shown for want of room: {', '.join(hidden)} (--format json gives all)."
    return text + "".join(textwrap.fill(note, width, break_on_hyphens=False) + "\n" for note in notes if note)


def _shared(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Widths that add up to the terminal's: whoever is furthest above its least gives way first."""
    sizes = list(natural)
    while _total(sizes) > width:
        room = [size - small for size, small in zip(sizes, least, strict=True)]
        if max(room) <= 0:
            return [min(size, width) for size in sizes]
        sizes[room.index(max(room))] -= 1
    return sizes


def _wrapped(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], sizes: Sequence[int]) -> str:
    lines = _row([_broken(name, size) for name, size in zip(names, sizes, strict=True)], right, sizes)
    lines += (" " * _GAP).join("─" * size for size in sizes) + "\n"
    for row in cells:
        lines += _row([_cut(_broken(text, size), size) for text, size in zip(row, sizes, strict=True)], right, sizes)
    return lines


def _row(columns: Sequence[Sequence[str]], right: Sequence[bool], sizes: Sequence[int]) -> str:
    """One row of cells that have several lines each."""
    lines = []
    for number in range(max(len(column) for column in columns)):
        parts = []
        for column, end, size in zip(columns, right, sizes, strict=True):
            text = column[number] if number < len(column) else ""
            space = " " * (size - cell_len(text))
            parts.append(space + text if end else text + space)
        lines.append((" " * _GAP).join(parts).rstrip() + "\n")
    return "".join(lines)


def _cut(lines: list[str], size: int) -> list[str]:
    if len(lines) <= _TALLEST:
        return lines
    return [*lines[: _TALLEST - 1], set_cell_size(lines[_TALLEST - 1], size - 1).rstrip() + "…"]


def _records(names: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> str:
    widest = max(cell_len(name) for name in names)
    room = max(20, width - widest - _GAP)
    lines = []
    for number, row in enumerate(cells, 1):
        lines.append(f"── {number} " + "─" * max(0, min(width, 60) - len(str(number)) - 4))
        for name, text in zip(names, row, strict=True):
            first, *rest = _broken(text, room) or [""]
            lines.append(f"{name}{' ' * (widest - cell_len(name) + _GAP)}{first}".rstrip())
            lines.extend(" " * (widest + _GAP) + line for line in rest)
    return "".join(line + "\n" for line in lines)


def _broken(text: str, room: int) -> list[str]:
    """Lines of at most `room` cells; wide characters take two."""
    return [
        str(line).rstrip() for line in Text(text).wrap(Console(width=room, file=io.StringIO()), room, overflow="fold")
    ]

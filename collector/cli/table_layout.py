"""What of an answer a terminal shows, and how: as a table or as records, with which columns, below which headings.

The columns that are the answer come first and are never left out; others follow while there is room. Values that
repeat from row to row become headings. Where a table would break a word or have rows of very many lines, and for a few
rows with many columns, rows are shown as records, one value per line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from rich.cells import cell_len

from collector.cli.wrapping import abbreviate, longest_piece, wrap_text

GAP: Final = 2
INDENT: Final = 2  # of rows below a heading
_MAX_RECORDS: Final = 3  # so few rows are shown with every column
_MAX_CELL_LINES: Final = 4  # of a row in a table; rows that need more are easier to read as records


@dataclass(frozen=True, eq=False)
class TextColumn:
    """One column: `size` is the width of its widest cell or name, `minimum` the smallest that breaks no word.

    In a table, `cells` have Git revisions and digests abbreviated; `whole` has them as they are.
    """

    name: str
    whole: tuple[str, ...]
    numeric: bool

    @cached_property
    def cells(self) -> tuple[str, ...]:
        return tuple(map(abbreviate, self.whole))

    @cached_property
    def size(self) -> int:
        return max(map(cell_len, (self.name, *self.cells)))

    @cached_property
    def minimum(self) -> int:
        return max(map(longest_piece, (self.name, *self.cells)))

    @cached_property
    def is_constant(self) -> bool:
        return len(self.cells) > 1 and len(set(self.cells)) == 1

    @cached_property
    def holds_addresses(self) -> bool:
        return any(self.cells) and all(cell.startswith(("https://", "http://")) for cell in self.cells if cell)


@dataclass(frozen=True)
class TableLayout:
    """How an answer is shown: `hidden` columns are only named."""

    as_records: bool
    shown: Sequence[TextColumn]
    headings: Sequence[TextColumn] = ()
    hidden: Sequence[TextColumn] = ()


def choose_layout(
    answer: Sequence[TextColumn], others: Sequence[TextColumn], width: int, *, grouped: bool = True
) -> TableLayout:
    """Return the layout of an answer on a terminal of `width` columns; unless it is `grouped`, it has no headings.

    Without an `answer` nobody has said which columns matter, and the last ones are left out first.
    """
    columns = [*answer, *others]
    if _fits(columns, width):
        return TableLayout(False, columns)
    count = len(columns[0].cells)
    if 0 < count <= _MAX_RECORDS and (count == 1 or not _fits(answer, width)):
        return TableLayout(True, columns)
    if not answer:
        shown = [column for column in columns if not column.holds_addresses] or columns
        headings, shown = _split(shown, [column for column in shown if column.is_constant])
        while len(shown) > 1 and not _is_readable(shown, headings, width):
            shown = shown[:-1]
    elif _fits(answer, width):
        headings, shown = [], list(answer)
        for column in others:
            if not column.is_constant and _fits([*shown, column], width):
                shown.append(column)
    else:
        headings, shown = _split(answer, _repeating(answer) if grouped else [])
    hidden = [column for column in columns if column not in (*shown, *headings)]
    return TableLayout(not _is_readable(shown, headings, width), shown, headings, hidden)


def fitted_sizes(columns: Sequence[TextColumn], width: int) -> list[int]:
    """Return the width of each column, so that all together have at most `width`; the longest cells need like lines."""
    sizes = [column.size for column in columns]
    while _total(sizes) > width:
        narrower = [n for n, column in enumerate(columns) if sizes[n] > column.minimum] or list(range(len(sizes)))
        sizes[min(narrower, key=lambda n: (columns[n].size / sizes[n], -sizes[n]))] -= 1
    return sizes


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + GAP * (len(sizes) - 1)


def _fits(columns: Sequence[TextColumn], width: int) -> bool:
    return bool(columns) and _total([column.size for column in columns]) <= width


def _split(columns: Sequence[TextColumn], headings: Sequence[TextColumn]) -> tuple[list[TextColumn], list[TextColumn]]:
    """Return the headings and the columns that are left; at least one is."""
    headings = [column for column in headings if column is not columns[-1]]
    return headings, [column for column in columns if column not in headings]


def _repeating(columns: Sequence[TextColumn]) -> list[TextColumn]:
    """Return the columns that are the same in all rows, and the first ones that stay the same for two rows or more."""
    found = [column for column in columns if column.is_constant]
    for column in columns:
        if column.is_constant:
            continue
        # As many blocks as rows is no repetition, and neither is no row at all.
        blocks = sum(1 for _ in groupby(zip(*(each.cells for each in (*found, column)), strict=True)))
        if not 0 < blocks <= len(column.cells) / 2:
            break
        found.append(column)
    return found


def _is_readable(columns: Sequence[TextColumn], headings: Sequence[TextColumn], width: int) -> bool:
    """Return whether a table of these columns breaks no word and has no row of very many lines."""
    room = width - INDENT * bool(headings)
    if _total([column.minimum for column in columns]) > room:
        return False
    sizes = zip(columns, fitted_sizes(columns, room), strict=True)
    return all(len(wrap_text(cell, size)) <= _MAX_CELL_LINES for column, size in sizes for cell in column.cells)

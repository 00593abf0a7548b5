"""An answer as Python shows it: text for a terminal, HTML for a notebook. Names and values are escaped in both."""

import html
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from collector.query.values import values_of
from collector.settings.escape import escape

TEXT_ROWS: Final = 20
HTML_ROWS: Final = 50
_GAP: Final = "  "
# Of a column: longer cells are cut, to the minimum where the columns would not fit otherwise.
_MAX_WIDTH: Final = 40
_MIN_WIDTH: Final = 12


def as_text(table: pa.Table, width: int) -> str:
    """Return the first rows as lines of at most `width` characters; columns that do not fit are named below them."""
    names = [escape(name) for name in table.column_names]
    rows = list(_rows(table, TEXT_ROWS))
    columns = [[name, *(row[number] for row in rows)] for number, name in enumerate(names)]
    widths = [min(max(map(len, column)), _MAX_WIDTH, width) for column in columns]
    while _total(widths) > width and max(widths) > _MIN_WIDTH:
        widths[widths.index(max(widths))] -= 1
    shown = max([count for count in range(1, len(widths) + 1) if _total(widths[:count]) <= width], default=1)
    lines = []
    for cells in (names, ["─" * each for each in widths], *rows):
        pairs = zip(cells[:shown], widths[:shown], strict=True)
        lines.append(_GAP.join(_cut(cell, each).ljust(each) for cell, each in pairs).rstrip())
    if hidden := names[shown:]:
        lines += textwrap.wrap(f"… and the columns {', '.join(hidden)}", width, break_on_hyphens=False)
    return "\n".join(lines)


def as_html(table: pa.Table) -> str:
    """Return the first rows as a table."""
    head = "".join(f"<th>{html.escape(escape(name))}</th>" for name in table.column_names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in _rows(table, HTML_ROWS)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _rows(table: pa.Table, count: int) -> Iterator[list[str]]:
    """Yield the cells of the first rows; NULL is empty."""
    for batch in table.slice(0, count).to_batches():
        for row in zip(*map(values_of, batch.columns), strict=True):
            yield ["" if value is None else escape(str(value)) for value in row]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"

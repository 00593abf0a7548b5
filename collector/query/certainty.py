"""How many rows of an answer are findings: what depends on a variable, or is not known, is counted apart.

A question whose rows are not all sure says so in its column `certainty`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from collector.lake.plain_rows import PlainRows

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN: Final = "certainty"
CERTAIN: Final = "certain"
# The values of the column, and how so many rows of it are called.
_WORDS: Final[Mapping[str, str]] = {
    CERTAIN: "{count:,} {noun}",
    "depends on a variable": "{count:,} depend{s} on a variable",
    "not known": "{count:,} not known",
}


def certainties(table: "pa.Table | PlainRows") -> dict[str, int]:
    """Return how many rows have each certainty, with a count for each of them; all are certain without the column."""
    if COLUMN not in table.column_names:
        return {CERTAIN: table.num_rows}
    values = table.values(COLUMN) if isinstance(table, PlainRows) else table.column(COLUMN).to_pylist()
    found = Counter(values)
    return {certainty: found[certainty] for certainty in _WORDS}


def in_words(counts: Mapping[str, int], noun: str, *, certain: bool = True) -> str:
    """Return the counts as text: `15 unguarded, 3 depend on a variable, 25 not known`.

    What there is none of is left out, but for the findings themselves; without `certain` these are left out, too.
    """
    texts = [
        _WORDS[certainty].format(count=count, noun=noun, s="s" if count == 1 else "")
        for certainty, count in counts.items()
        if certainty != CERTAIN and count
    ]
    if certain:
        texts.insert(0, _WORDS[CERTAIN].format(count=counts.get(CERTAIN, 0), noun=noun))
    return ", ".join(texts)


def rows_in_words(table: "pa.Table | PlainRows") -> str:
    """Return how many rows there are, and how many are findings where not all are: `43 rows: 15 findings, …`."""
    rows, counts = f"{table.num_rows:,} row{'s' * (table.num_rows != 1)}", certainties(table)
    if counts[CERTAIN] == table.num_rows:
        return rows
    return f"{rows}: {in_words(counts, 'finding' + 's' * (counts[CERTAIN] != 1))}"

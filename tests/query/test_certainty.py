"""Counts of findings count findings; what depends on a variable or is not known is counted apart."""

import pyarrow as pa
import pytest

from collector.query.certainty import certainties, in_words, rows_in_words

SURE, VARIABLE, UNKNOWN = "certain", "depends on a variable", "not known"


@pytest.mark.parametrize(
    ("rows", "text", "apart"),
    [
        (
            [SURE] * 15 + [VARIABLE] * 3 + [UNKNOWN] * 25,
            "15 unguarded, 3 depend on a variable, 25 not known",
            "3 depend on a variable, 25 not known",
        ),
        ([SURE, VARIABLE], "1 unguarded, 1 depends on a variable", "1 depends on a variable"),
        ([UNKNOWN], "0 unguarded, 1 not known", "1 not known"),
        ([SURE, SURE], "2 unguarded", ""),
        ([], "0 unguarded", ""),
    ],
)
def test_findings_are_counted_apart_from_what_is_not_known(rows: list[str], text: str, apart: str) -> None:
    """The first number is that of the certain findings alone."""
    counts = certainties(pa.table({"certainty": pa.array(rows, pa.string())}))
    assert sum(counts.values()) == len(rows)
    assert in_words(counts, "unguarded") == text
    assert in_words(counts, "", certain=False) == apart


def test_rows_are_counted_with_their_findings() -> None:
    """Where not all rows are findings, the count of rows says how many are."""
    table = pa.table({"certainty": [SURE, UNKNOWN, UNKNOWN]})
    assert rows_in_words(table) == "3 rows: 1 finding, 2 not known"
    assert rows_in_words(table.slice(0, 1)) == "1 row"
    assert rows_in_words(table.slice(0, 0)) == "0 rows"


def test_rows_without_the_column_are_certain() -> None:
    """A question without doubtful rows has as many findings as rows."""
    assert certainties(pa.table({"action": ["a", "b"]})) == {SURE: 2}

"""An answer in a notebook: its rows, its run and its gaps, with every name escaped."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.query.answer import Answer, Gap
from collector.query.answer_text import as_text
from collector.query.carried import Carried
from collector.settings.escape import UNSAFE
from tests.query.test_views import RUN

TABLE = pa.table({"<b>name</b>": ["<script>alert(1)</script>", None], "n": [1, 2]})


def test_names_are_inert_in_html() -> None:
    """Neither a value nor a column name becomes markup; NULL is an empty cell."""
    html = Answer(TABLE)._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "<td></td>" in html


def test_the_summary_names_the_run_and_its_gaps() -> None:
    """How many rows, of which run, and what an incomplete one is missing."""
    html = Answer(TABLE, run=RUN, missing=(Gap("pipeline", "failed", 1_200),))._repr_html_()
    assert "2 rows" in html
    assert RUN.run_id in html
    assert "1,200 pipeline failed" in html


def test_the_summary_ends_with_the_age_of_what_was_carried() -> None:
    """How many promotions an earlier run read and how long ago the oldest was read is the last thing that is said."""
    carried = Carried(1_200, datetime.now(UTC) - timedelta(days=4, hours=2, minutes=3))
    html = Answer(TABLE, run=RUN, missing=(Gap("pipeline", "failed", 1),), carried=carried)._repr_html_()
    assert html.endswith("1 pipeline failed · 1,200 promotions carried, oldest read 4 d 2 h ago</p>")
    assert Answer(TABLE, run=RUN, carried=carried, fresh=True).age.startswith(
        "1,200 promotions carried (left out), oldest"
    )
    assert (Answer(TABLE, run=RUN, fresh=True).age, Answer(TABLE, run=RUN).age) == ("only what this run read", "")


def test_a_reading_in_the_future_has_no_age() -> None:
    """A clock that was set back gives no negative age."""
    now = datetime.now(UTC)
    assert Carried(1, now + timedelta(days=1)).sentence(now) == "1 promotion carried, oldest read 0.0 s ago"


def test_a_long_answer_shows_its_first_rows() -> None:
    """A notebook is not flooded: the rest of the rows are counted."""
    html = Answer(pa.table({"n": range(1_000)}))._repr_html_()
    assert html.count("<tr>") < 100
    assert "1,000 rows" in html


def test_rows_are_counted_and_given_to_other_libraries() -> None:
    """`len` is the number of rows; Arrow, pandas and polars get them all."""
    pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    answer = Answer(TABLE)
    assert len(answer) == 2
    assert answer.to_arrow() is TABLE
    assert answer.to_pandas()["n"].tolist() == [1, 2]
    assert answer.to_polars()["n"].to_list() == [1, 2]
    assert answer.to_polars().schema == {"<b>name</b>": polars.String, "n": polars.Int64}


def test_text_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed, an answer is a table whose columns fit; the others are named, and control characters are escaped."""
    wide = pa.table(
        {"name": ["a\x1b[2J", "b" * 100], "n": [1, None], **{f"other_{i}": ["x" * 9] * 2 for i in range(9)}}
    )
    monkeypatch.setenv("COLUMNS", "60")
    lines = str(Answer(wide, run=RUN)).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].split() == ["name", "n", "other_0", "other_1", "other_2", "other_3"]
    assert lines[2].split() == ["a\\x1b[2J", "1", *["x" * 9] * 4]
    assert lines[3].split() == ["b" * 11 + "…", *["x" * 9] * 4]
    assert lines[4].startswith("… and the columns other_4, other_5")
    assert lines[-1].startswith(f"2 rows · run {RUN.run_id}")


@given(
    st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6, unique=True),
    st.lists(st.text(max_size=60), max_size=3),
    st.integers(20, 200),
)
def test_text_is_never_wider_than_asked(names: list[str], values: list[str], width: int) -> None:
    """Whatever the names and values are, no line is longer than the width, and each row is one line."""
    lines = as_text(pa.table(dict.fromkeys(names, values)), width).split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) >= 2 + len(values)
    assert not UNSAFE.search("".join(lines))

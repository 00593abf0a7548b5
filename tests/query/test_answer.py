"""An answer in a notebook: its rows, its run and its gaps, with every name escaped."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from collector.query.carried import Carried
from collector.query.reader import Answer, Gap
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
    html = Answer(TABLE, RUN, (Gap("pipeline", "failed", 1_200),))._repr_html_()
    assert "2 rows" in html
    assert RUN.run_id in html
    assert "1,200 pipeline failed" in html


def test_the_summary_ends_with_the_age_of_what_was_carried() -> None:
    """How many promotions an earlier run read and how long ago the oldest was read is the last thing that is said."""
    carried = Carried(1_200, datetime.now(UTC) - timedelta(days=4, hours=2, minutes=3))
    html = Answer(TABLE, RUN, (Gap("pipeline", "failed", 1),), carried)._repr_html_()
    assert html.endswith("1 pipeline failed · 1,200 promotions carried, oldest read 4 d 2 h ago</p>")
    assert Answer(TABLE, RUN, (), carried, fresh=True).age.startswith("1,200 promotions carried (left out), oldest")
    assert (Answer(TABLE, RUN, fresh=True).age, Answer(TABLE, RUN).age) == ("only what this run read", "")


def test_a_reading_in_the_future_has_no_age() -> None:
    """A clock that was set back gives no negative age."""
    now = datetime.now(UTC)
    assert Carried(1, now + timedelta(days=1)).sentence(now) == "1 promotion carried, oldest read 0.0 s ago"


def test_a_long_answer_shows_its_first_rows() -> None:
    """A notebook is not flooded: the rest of the rows are counted."""
    html = Answer(pa.table({"n": range(1_000)}))._repr_html_()
    assert html.count("<tr>") < 100
    assert "1,000 rows" in html


def test_rows_are_counted_and_given_to_pandas() -> None:
    """`len` is the number of rows, and pandas gets them all."""
    pytest.importorskip("pandas")
    assert len(Answer(TABLE)) == 2
    assert Answer(TABLE).to_pandas()["n"].tolist() == [1, 2]

"""The meanings of the columns of views are exactly those that are needed."""

from collector.query import dictionary
from collector.query.view_columns import MEANINGS, meaning


def test_no_meaning_is_left_over() -> None:
    """Every meaning that is declared for views is that of a column of a view."""
    used = {f"{view.name}.{column.name}" for view in dictionary.views() for column in view.columns}
    used |= {name.partition(".")[2] for name in used}
    assert [name for name in MEANINGS if name not in used] == []


def test_a_name_is_explained_for_one_view_or_for_all() -> None:
    """A view's own meaning comes before that of all views, and that before the tables'; else there is none."""
    assert meaning("night_totals", "started_at") == ("When the run began (UTC)", None)
    assert meaning("execution_elements", "started_at") == ("When the element began (UTC)", None)
    assert meaning("promotions", "retry_interval") == ("Delay between retries", "s")
    assert meaning("promotions", "of_no_table") == ("", None)

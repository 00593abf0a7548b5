"""Answers as tables of the page."""

from datetime import UTC, date, datetime

import pyarrow as pa

from collector.report.rows import LEVELS, MAX_ROWS, indexed, report_rows, row_location

ROW = {
    "installation": "us",
    "workspace": "acme",
    "project": "shop",
    "pipeline": "Release",
    "action": "Promote",
    "html_url": "https://app.buddy.works/x",
    "pipeline_id": 1,
    "action_id": 2,
    "finding": "unguarded",
    "nights": 3,
}


def test_a_where_is_the_smallest_named_thing_and_the_way_to_it() -> None:
    """The action is what is linked; the installation is named where there are several."""
    where = row_location(ROW, LEVELS[1:])
    assert (where.name, where.path, where.link) == ("Promote", "acme / shop / Release", "https://app.buddy.works/x")
    assert row_location(ROW).path == "us / acme / shop / Release"


def test_a_where_without_names() -> None:
    """What has no name is called by its number, and what has neither is left out."""
    unnamed = {**ROW, "pipeline": None, "action": ""}
    where = row_location(unnamed, LEVELS[1:])
    assert (where.name, where.path) == ("action 2", "acme / shop / pipeline 1")
    project = {"workspace": "acme", "project": "shop", "html_url": None}
    assert row_location(project).name == "shop"
    assert row_location({"workspace": None}).name == "everything"


def test_an_address_that_may_not_be_followed_is_shown() -> None:
    """It is words beside the name, and no link."""
    where = row_location({**ROW, "html_url": "javascript:x"})
    assert (where.link, where.bad_link) == (None, "javascript:x")


def test_cells_say_what_the_values_are() -> None:
    """Numbers stay numbers, the rest becomes words; revisions are cut to what tells them apart."""
    table = pa.table(
        {
            "workspace": ["acme"],
            "nights": [3],
            "disabled": [True],
            "since_date": [date(2026, 11, 23)],
            "seen_at": [datetime(2026, 11, 23, 2, 15, tzinfo=UTC)],
            "staging_revision": ["a" * 40],
            "why": pa.array([None], pa.string()),
        }
    )
    rows = report_rows("q", table, table.column_names[1:], LEVELS)
    assert rows.rows[0][1] == (3, "yes", "2026-11-23", "2026-11-23 02:15 UTC", "a" * 12, None)
    assert [column["kind"] for column in rows.columns] == ["number", "text", "text", "text", "reference", "text"]


def test_a_page_holds_only_so_many_rows() -> None:
    """The page holds a limited number of rows, and the number of all."""
    table = pa.Table.from_pylist([ROW] * (MAX_ROWS + 5))
    rows = report_rows("q", table, ["finding"], LEVELS)
    assert (len(rows.rows), rows.total) == (MAX_ROWS, MAX_ROWS + 5)


def test_every_text_is_held_once() -> None:
    """Texts become indexes; numbers and nothing stay what they are."""
    texts: dict[str, int] = {}
    assert indexed(("Promote", None, 3, "unguarded"), texts) == [0, None, 3, 1]
    assert indexed(("unguarded", "Promote", "x"), texts) == [1, 0, 2]
    assert list(texts) == ["Promote", "unguarded", "x"]


def test_rows_without_a_where() -> None:
    """What is nowhere in Buddy has no where."""
    rows = report_rows("q", pa.table({"name": ["labels"]}), ["name"], LEVELS)
    assert not rows.located
    assert [where for where, _ in rows.rows] == [None]


def test_what_is_not_known_is_counted_apart() -> None:
    """The number of a finding is that of its certain rows; the others are told beside it."""
    table = pa.table({"certainty": ["certain", "depends on a variable", "not known", "not known"]})
    found = report_rows("q", table, ("certainty",))
    assert (found.total, found.findings, found.apart) == (4, 1, "1 depends on a variable, 2 not known")
    assert report_rows("q", table.slice(0, 1), ("certainty",)).apart == ""

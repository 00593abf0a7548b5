"""Answers as tables of a page."""

from datetime import UTC, date, datetime

import pyarrow as pa

from collector.report.rows import MOST_ROWS, MOST_WITHOUT_SCRIPTS, Texts, place_of, rows_of

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


def test_a_place_is_the_smallest_named_thing_and_the_way_to_it() -> None:
    """The action is what is linked; the installation is named where there are several."""
    place = place_of(ROW, several_installations=False)
    assert (place.action, place.way, place.link) == ("Promote", "acme / shop / Release", "https://app.buddy.works/x")
    assert place_of(ROW, several_installations=True).way == "us / acme / shop / Release"


def test_a_place_without_names() -> None:
    """What has no name is called by its number, and what has neither is left out."""
    unnamed = {**ROW, "pipeline": None, "action": ""}
    place = place_of(unnamed, several_installations=False)
    assert (place.action, place.way) == ("action 2", "acme / shop / pipeline 1")
    project = {"workspace": "acme", "project": "shop", "html_url": None}
    assert place_of(project, several_installations=False).action == "shop"
    assert place_of({"workspace": None}, several_installations=False).action == "everything"


def test_an_address_that_may_not_be_followed_is_shown() -> None:
    """It is words beside the name, and no link."""
    place = place_of({**ROW, "html_url": "javascript:x"}, several_installations=False)
    assert (place.link, place.bad_link) == (None, "javascript:x")


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
    rows = rows_of("q", table, table.column_names[1:], several_installations=False)
    assert rows.cells == ((3, "yes", "2026-11-23", "2026-11-23 02:15:00 UTC", "a" * 12, None),)
    assert [column.kind for column in rows.columns] == ["number", "text", "text", "text", "reference", "text"]


def test_a_page_holds_only_so_many_rows() -> None:
    """More rows are counted, not held; without scripts only the first are shown."""
    table = pa.Table.from_pylist([ROW] * (MOST_ROWS + 5))
    rows = rows_of("q", table, ["finding"], several_installations=False)
    assert (len(rows.cells), rows.total) == (MOST_ROWS, MOST_ROWS + 5)
    assert (len(rows.first), rows.left_out) == (MOST_WITHOUT_SCRIPTS, MOST_ROWS + 5 - MOST_WITHOUT_SCRIPTS)


def test_every_text_is_held_once() -> None:
    """Rows hold numbers of texts; numbers of a column of numbers stay what they are."""
    texts = Texts()
    table = pa.Table.from_pylist([ROW, ROW])
    document = rows_of("q", table, ["finding", "nights"], several_installations=False).document(texts)
    assert document["rows"][0] == document["rows"][1]
    first = document["rows"][0]
    assert [texts.all[first[0]], texts.all[first[2]], first[3]] == ["Promote", ROW["html_url"], None]
    assert (texts.all[first[4]], first[5]) == ("unguarded", 3)
    assert len(texts.all) == len(set(texts.all)) == 4


def test_rows_without_a_place() -> None:
    """What is nowhere in Buddy has no place."""
    rows = rows_of("q", pa.table({"name": ["labels"]}), ["name"], several_installations=False)
    assert not rows.placed
    assert [place for place, _ in rows.first] == [None]
    assert rows.document(Texts())["rows"] == [[0]]

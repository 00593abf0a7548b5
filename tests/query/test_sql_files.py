"""The files of sql/: found, read, and put in the order in which they need one another."""

from pathlib import Path

from collector.query.sql_files import SqlFile, identifiers, in_order, read_folder, sql_folder


def sources(**texts: str) -> dict[str, SqlFile]:
    """Sources by name from their texts."""
    return {name: SqlFile(name, text) for name, text in texts.items()}


def test_the_folder_is_found() -> None:
    """Wherever the package is, its sql/ is beside or inside it."""
    assert {"clean", "facts", "questions", "changes"} <= {path.name for path in sql_folder().iterdir()}


def test_files_are_read_by_name(tmp_path: Path) -> None:
    """A folder gives its .sql files by stem, and a missing folder gives none."""
    (tmp_path / "b.sql").write_text("-- One row.\nselect 1\n")
    (tmp_path / "notes.txt").write_text("no")
    assert {n: s.text for n, s in read_folder(tmp_path).items()} == {"b": "-- One row.\nselect 1"}
    assert read_folder(tmp_path / "none") == {}


def test_the_opening_sentence_ends_where_parameters_begin() -> None:
    """The description is the first sentence, over several lines if it wraps, without parameters or marks."""
    text = "-- Which actions\n-- fail?\n-- $days INTEGER = 3 : how long\nselect 1 -- not this"
    assert SqlFile("x", text).description == "Which actions fail?"
    assert SqlFile("x", "-- Keys are unique.\n-- blocking\nselect 1").description == "Keys are unique."
    assert SqlFile("x", "-- One row per x.\n--\n-- More words.\nselect 1").description == "One row per x."
    assert SqlFile("x", "select 1").description == ""


def test_names_in_comments_and_strings_are_no_references() -> None:
    """Only code refers to a view: not a comment, not a string."""
    text = "-- from a\nselect 'from b' from c /* join d */ join e using (x)"
    assert SqlFile("x", text).references == {"c", "e"}
    assert identifiers("select 'b' from \"C\" -- d") == {"select", "from", "c"}


def test_views_come_after_those_they_need() -> None:
    """Every source comes after all that it refers to, and only wanted ones are included."""
    found = sources(a="select * from b join c using (x)", b="select * from c", c="select 1", d="select * from a")
    assert [source.name for source in in_order(found)] == ["c", "b", "a", "d"]
    assert [source.name for source in in_order(found, {"b", "other"})] == ["c", "b"]
    assert in_order(found, set()) == []


def test_a_view_may_have_a_cte_of_its_own_name() -> None:
    """A file that calls a CTE like itself does not wait for itself."""
    found = sources(a="with a as (select * from b) select * from a", b="select 1")
    assert [source.name for source in in_order(found)] == ["b", "a"]

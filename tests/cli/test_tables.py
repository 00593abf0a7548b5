"""`collector tables`: the data dictionary is complete, in every format."""

import csv
import io
import json

from collector.lake.tables import TABLES
from collector.query.views import SELECTED_RUN, view_sources
from tests.cli.conftest import Program


def test_every_column_has_a_meaning(program: Program) -> None:
    """Each column of each table and view is listed once, in order, with a type and a meaning of its own words."""
    listed = json.loads(program("tables", "--format", "json").out)
    of_tables = [(each["table"], each["column"]) for each in listed if each["kind"] == "table"]
    assert of_tables == [(table.name, name) for table in TABLES.values() for name in table.column_names]
    views = [each["table"] for each in listed if each["kind"] == "view"]
    assert list(dict.fromkeys(views)) == [SELECTED_RUN, *view_sources()]
    assert len({(each["table"], each["column"]) for each in listed}) == len(listed)
    for each in listed:
        assert each["type"], each
        assert each["meaning"].strip(), f"collector/query/view_columns.py says nothing about {each}"


def test_formats_list_the_same_columns(program: Program) -> None:
    """JSON, CSV, Markdown and text list the same columns."""
    listed = json.loads(program("tables", "runs", "--format", "json").out)
    assert [row["column"] for row in csv.DictReader(io.StringIO(program("tables", "runs", "-f", "csv").out))] == [
        each["column"] for each in listed
    ]
    markdown, text = program("tables", "runs", "-f", "markdown").out, program("tables", "runs").out
    for each in listed:
        assert f"| {each['column']} | {each['type']} |" in markdown
        assert f"  {each['column']} " in text


def test_an_unknown_table(program: Program) -> None:
    """For a misspelt table the nearest name is suggested."""
    result = program("tables", "promote_image_action")
    assert result.code == 2
    assert "Did you mean 'promote_image_actions'?" in result.err


def test_a_view(program: Program) -> None:
    """A view is described like a table; a column with the name of a table's column has its meaning."""
    text = program("tables", "releases", "-f", "markdown").out
    assert text.startswith("## releases\n\nOne row per successful promotion of an image into an environment")
    assert "environment is what the destination's reference names" in text
    assert "| released_at | TIMESTAMP |  | When the image was promoted (UTC) |" in text
    assert "| duration_seconds | DOUBLE | s | " in text
    assert "| creator_name | VARCHAR |  | Name of the person who started the execution |" in text

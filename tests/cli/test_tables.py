"""`collector tables`: the data dictionary is complete, in every format."""

import csv
import io
import json

from collector.lake.tables import TABLES
from tests.cli.conftest import Program


def test_every_column_has_a_meaning(program: Program) -> None:
    """Each column of each table is listed once, in order, with a type and a meaning."""
    listed = json.loads(program("tables", "--format", "json").out)
    assert [(each["table"], each["column"]) for each in listed] == [
        (table.name, name) for table in TABLES.values() for name in table.column_names
    ]
    for each in listed:
        assert each["type"]
        assert each["meaning"].strip()


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

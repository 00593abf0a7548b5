"""The views of the contract show what lake/tables.py declares, and every table is in them."""

from collections.abc import Iterator

import pytest

from collector.buddy.schema import ACCESS_LEVELS
from collector.lake.database import Database
from collector.lake.shared_columns import (
    ACTION_COVERAGE,
    COVERAGE_OUTCOMES,
    EXECUTION_COVERAGE,
    EXECUTIONS_COVERAGE,
    LIST_COVERAGE,
)
from collector.lake.sql_text import base_view
from collector.lake.tables import TABLES
from collector.query.contract_views import check_views, contract_views


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Every view of the contract over empty tables."""
    folder = tmp_path_factory.mktemp("empty")
    with Database([folder], folder / "spill", threads=1) as made:
        for table in TABLES.values():
            made.define(table.name, base_view(table, []))
        for view in check_views().values():
            made.define(view.name, view.text)
        yield made


def test_every_column_and_enum_value_is_declared(database: Database) -> None:
    """declared_columns and declared_values are the contract, and say which values are Buddy's own."""
    columns = {tuple(row.values()) for row in database.rows("select * from declared_columns")}
    assert columns == {(table.name, name) for table in TABLES.values() for name in table.column_names}
    values = database.rows("select * from declared_values")
    assert len(values) == sum(len(column.values) for table in TABLES.values() for column in table.columns)
    mine = {(row["table_name"], row["column_name"]) for row in values if not row["from_buddy"]}
    assert {("actions", "coverage"), ("variables", "value_state"), ("problems", "kind")} <= mine
    assert {row["value"] for row in values if row["column_name"] == "access_level"} == set(ACCESS_LEVELS)


def test_every_coverage_has_an_outcome() -> None:
    """Whether a coverage leaves nothing unknown is declared for each that the contract has, and for no other."""
    assert set(COVERAGE_OUTCOMES) == {*LIST_COVERAGE, *ACTION_COVERAGE, *EXECUTIONS_COVERAGE, *EXECUTION_COVERAGE}
    assert set(COVERAGE_OUTCOMES.values()) == {"seen", "missed", "skipped"}


@pytest.mark.parametrize("name", check_views())
def test_a_view_opens_with_its_grain_and_can_be_read(name: str, database: Database) -> None:
    """Each view says what a row is; those about rows have none where the tables have none."""
    assert check_views()[name].description.startswith("One row per ")
    rows = database.rows(f"select * from {name}")
    assert bool(rows) == name.startswith(("declared_", "coverage_"))


@pytest.mark.parametrize("table", TABLES)
def test_no_table_is_left_out(table: str) -> None:
    """Rows of each staged table are checked for their run and required values, and its children for their parent."""
    views = check_views()
    assert table in views["staged_rows"].references or table == "last_known_actions"
    assert table in views["repeated_keys"].references or not TABLES[table].unique
    assert table in views["orphans"].references or TABLES[table].parent is None
    assert set(contract_views()) < set(views)

"""Rows of crawl records by the names of their columns, each accepted by its table's Arrow schema."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from collector.buddy import schema
from collector.buddy.field_spec import BuddyObject
from collector.buddy.requests import Kind
from collector.crawl.records import CrawlRecord, Key
from collector.lake.flatten import flatten
from collector.lake.projection import Row, RunKey
from collector.lake.staging import record_batch
from collector.lake.state_tables import ACTION_STATE
from collector.lake.tables import ALL, TABLES

RUN_KEY = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))
KEY = Key("us", "acme", "web", 7, 9)
FETCHED = datetime(2026, 11, 23, 3, 0, tzinfo=timezone(timedelta(hours=1)))
KIND_OF: dict[type[BuddyObject], tuple[Kind, Key, str]] = {
    schema.ShortWorkspace: (Kind.WORKSPACES, Key("us", "acme"), "workspaces"),
    schema.ShortProject: (Kind.PROJECTS, Key("us", "acme", "web"), "projects"),
    schema.ShortPipeline: (Kind.PIPELINES, Key("us", "acme", "web", 7), "pipelines"),
    schema.ShortAction: (Kind.ACTIONS, KEY, "actions"),
}


def utc(*parts: int) -> datetime:
    """Return a moment as the lake holds it: UTC without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]  # year, month, day, …


def rows_of(record: CrawlRecord) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of a record with their column names; each is accepted by its table's Arrow schema.

    What is remembered of an action says the same as these, and is proven in test_action_state.py.
    """
    rows = list(flatten(RUN_KEY, record))
    for table, row in rows:
        assert record_batch(ALL[table], [row]).num_rows == 1
    return [(table, named(table, row)) for table, row in rows if table != ACTION_STATE.name]


def named(table: str, row: Row) -> dict[str, Any]:
    """Return a row as a mapping."""
    return dict(zip(TABLES[table].column_names, row, strict=True))

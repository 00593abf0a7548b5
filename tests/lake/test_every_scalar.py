"""The law of flattening: nothing that Buddy sent is lost, nothing is invented, and every row fits its table."""

import copy
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.buddy.decode import ExecutionDetail, ListPage, check_promote_image, decode
from collector.buddy.executions import is_promotion, normalise_execution
from collector.buddy.field_spec import BuddyObject
from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.requests import Kind, Request
from collector.buddy.timestamps import parse_timestamp
from collector.crawl.records import Key, ListedItem, Promotion, ReadExecution
from collector.lake.tables import TABLES
from tests.lake.drawn_replies import EXECUTION, ITEMS, JSON, PROMOTION, TEXT, made_unique, scalars
from tests.lake.flattened import FETCHED, KEY, KIND_OF, rows_of, utc

REPLIES = Path(__file__).parents[1] / "replies"
MODERATE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def scalars_of_rows(rows: list[tuple[str, dict[str, Any]]]) -> Counter[tuple[str, Any]]:
    """Return the scalars of a reply that rows hold: in columns, in `extra`, and as the state of a value."""
    found: Counter[tuple[str, Any]] = Counter()
    for table, row in rows:
        for column in TABLES[table].columns:
            value = row[column.name]
            if value is None or not (column.source or column.name == "extra"):
                continue
            if column.column_type == "json":
                value = msgspec.json.decode(value)
            elif isinstance(value, datetime):
                value = value.isoformat()
            found += scalars(value)
        state = {"empty": "", "encrypted": ENCRYPTED, "redacted": REDACTED}.get(row.get("value_state", ""))
        found += scalars(state)
    return found


def scalars_of_action(document: dict[str, Any]) -> Counter[tuple[str, Any]]:
    """Return the scalars of an action without repetitions: its own ids and an equal time zone."""
    document = copy.deepcopy(document)
    document.pop("id", None)
    if document.get("pipeline", {}) and document["pipeline"].get("id") == KEY.pipeline_id:
        del document["pipeline"]["id"]
    for condition in document.get("trigger_conditions") or ():
        if condition.get("timezone") is not None and condition.get("zone_id") == condition["timezone"]:
            del condition["zone_id"]
    return scalars(document)


@MODERATE
@given(PROMOTION)
def test_every_scalar_of_an_action_is_accounted_for(document: dict[str, Any]) -> None:
    """Each scalar of any valid action is in a column or in `extra`, and no row holds another scalar."""
    document = made_unique(document)
    assert check_promote_image(document) is None
    before = copy.deepcopy(document)
    rows = rows_of(Promotion(KEY, document, FETCHED))
    assert document == before
    expected, found = scalars_of_action(document), scalars_of_rows(rows)
    assert expected - found == Counter()
    assert set(found) <= set(expected)


@pytest.mark.parametrize("view", ITEMS)
@MODERATE
@given(st.data())
def test_every_scalar_of_a_list_item_is_accounted_for(view: type[BuddyObject], data: st.DataObject) -> None:
    """The one row of any list item holds exactly its scalars and those around the list of its children."""
    kind, key, table = KIND_OF[view]
    document = made_unique(data.draw(ITEMS[view]))
    envelope = data.draw(
        st.dictionaries(st.just("its_children_list"), st.dictionaries(TEXT, JSON, min_size=1, max_size=2))
    )
    page = decode(Request("us", kind), {kind.value: [document]})
    assert isinstance(page, ListPage)
    assert page.items[0].violation is None
    [(found_table, row)] = rows_of(ListedItem(kind, key, 3, document, True, "complete", envelope))
    assert found_table == table
    assert scalars_of_rows([(table, row)]) == scalars(document) + scalars(envelope)


def rows_of_execution(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Decode the reply about one execution and return its rows."""
    document = normalise_execution(document)
    request = Request("us", Kind.EXECUTION, "acme", "web", 7, execution_id=document["id"])
    detail = decode(request, document)
    assert isinstance(detail, ExecutionDetail)
    assert (detail.violation, [item.violation for _, item in detail.elements if item.violation]) == (None, [])
    elements = tuple((position, item.document) for position, item in detail.elements)
    key = Key("us", "acme", "web", 7)
    return rows_of(ReadExecution(key, document["id"], detail.document, "fetched", FETCHED, elements))


def scalars_of_execution(document: dict[str, Any]) -> Counter[tuple[str, Any]]:
    """Return the scalars of an execution, with the moments of what has a row as the lake holds them."""
    document = copy.deepcopy(normalise_execution(document))
    for part in (document, *filter(is_promotion, document.get("action_executions") or ())):
        for name in ("start_date", "finish_date"):
            if isinstance(part.get(name), str) and (moment := parse_timestamp(part[name])) is not None:
                part[name] = moment.isoformat()
    return scalars(document)


@MODERATE
@given(EXECUTION)
def test_every_scalar_of_an_execution_is_accounted_for(document: dict[str, Any]) -> None:
    """Each scalar of any valid execution is in a column or in `extra` of it or of its elements, once."""
    document = made_unique(document, kept=frozenset({"id", "start_date", "finish_date", "type"}))
    rows = rows_of_execution(document)
    assert scalars_of_rows(rows) == scalars_of_execution(document)
    promotions = sum(map(is_promotion, document["action_executions"]))
    assert [table for table, _ in rows] == ["executions", *["action_executions"] * promotions]


@pytest.mark.parametrize("action_type", ["BUILD", "PROMOTE_IMAGE"])
@pytest.mark.parametrize("reply", ["execution", "executions"])
def test_every_scalar_of_the_vendors_execution_is_accounted_for(reply: str, action_type: str) -> None:
    """The golden replies, with an element of every documented field, are in rows as a whole."""
    golden = msgspec.json.decode((REPLIES / f"{reply}.json").read_bytes())
    document = golden["executions"][0] if reply == "executions" else golden
    fields = msgspec.json.decode((REPLIES / "action_execution_fields.json").read_bytes())
    made: dict[str, Any] = {"string": "text", "integer": 3, "array": [{"key": "A", "value": REDACTED}]}
    element = {name: made.get(kind) for name, kind in fields.items()}
    moments = {"start_date": "2026-05-28T09:51:38.709Z", "finish_date": "2026-05-28T09:51:38.756Z"}
    action = {"id": 2, "name": "Promote", "type": action_type}
    document["action_executions"] = [*document.get("action_executions", ()), {**element, **moments, "action": action}]
    rows = rows_of_execution(document)
    assert scalars_of_rows(rows) == scalars_of_execution(document)
    (table, row), *elements = rows
    assert table == "executions"
    assert (row["execution_id"], row["triggered_on"], row["status"]) == (1, "CLICK", "SUCCESSFUL")
    assert (row["creator_name"], row["branch"], row["tag"]) == ("Mike Benson", "master", None)
    assert row["start_date"] == utc(2016, 3, 29, 8, 5, 30, 330_000)
    assert len(elements) == (action_type == "PROMOTE_IMAGE")

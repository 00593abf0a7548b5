"""What is remembered of an action: the JSON of its child rows, and a fingerprint that is equal for equal values."""

import copy
import json
import re
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.buddy.placeholders import REDACTED
from collector.crawl.records import Promotion
from collector.lake.flatten import flatten
from collector.lake.projection import Row
from collector.lake.staging import record_batch
from collector.lake.state_tables import ACTION_STATE
from collector.lake.tables import ALL, CHILD_TABLES, COMPARED_COLUMNS
from tests.lake.drawn_replies import PROMOTION
from tests.lake.flattened import FETCHED, KEY, RUN_KEY, named

MODERATE = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
# How DuckDB wrote the rows of an action before they were written where they are flattened.
DUCKDB_JSON = """
select '[' || coalesce(array_to_string(list(to_json(struct_pack({members}))::VARCHAR order by {key}), ','), '') || ']'
from rows
"""


def rows_of(document: dict[str, Any]) -> dict[str, list[Row]]:
    """Return the rows of an action by table."""
    rows: dict[str, list[Row]] = {name: [] for name in (*CHILD_TABLES, "promote_image_actions", ACTION_STATE.name)}
    for table, row in flatten(RUN_KEY, Promotion(KEY, document, FETCHED)):
        rows[table].append(row)
    return rows


def state_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the row of action_state of an action by column."""
    (row,) = rows_of(document)[ACTION_STATE.name]
    return dict(zip(ACTION_STATE.column_names, row, strict=True))


def compared(document: dict[str, Any]) -> list[Any]:
    """Return all that is compared of an action, apart from how its fingerprint is made."""
    rows = rows_of(document)
    (action,) = (named("promote_image_actions", row) for row in rows["promote_image_actions"])
    extra = json.loads(action["extra"] or "{}")
    extra.pop("pipeline", None)
    state = state_of(document)
    texts = [repr(action[name]) for name in COMPARED_COLUMNS if name != "extra"]
    return [*texts, json.dumps(extra, sort_keys=True), *(state[name] for name in CHILD_TABLES)]


def json_by_duckdb(table: str, rows: list[Row]) -> str:
    """Return the rows of a child table as DuckDB writes them."""
    names = [name for name in ALL[table].column_names[7:] if name != "value"]
    values = {name: f'"{name}"' for name in names}
    if "value_state" in values:
        values["value_state"] = "case when value_state = 'kept' then 'redacted' else value_state end"
    members = ", ".join(f'"{name}" := {value}' for name, value in values.items())
    key = ", ".join(f'"{name}"' for name in ALL[table].key if name in names)
    with duckdb.connect() as connection:
        found = record_batch(ALL[table], rows) if rows else ALL[table].schema.empty_table()
        connection.register("rows", found if isinstance(found, pa.Table) else pa.Table.from_batches([found]))
        result = connection.execute(DUCKDB_JSON.format(members=members, key=key)).fetchone()
    assert result is not None
    return str(result[0])


def printable(value: Any) -> Any:
    """Return a JSON value without control characters, for which DuckDB writes other hexadecimal digits."""
    if isinstance(value, dict):
        return {printable(name): printable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [printable(each) for each in value]
    return re.sub(r"[\x00-\x07\x0b\x0e-\x1f]", "_", value) if isinstance(value, str) else value


@MODERATE
@given(PROMOTION)
def test_child_rows_are_the_json_that_duckdb_makes_of_them(document: dict[str, Any]) -> None:
    """The JSON of child rows is, letter for letter, what earlier versions kept, so that an upgrade changes nothing."""
    document = printable(document)
    rows, state = rows_of(document), state_of(document)
    for table in CHILD_TABLES:
        assert state[table] == json_by_duckdb(table, rows[table])


@MODERATE
@given(PROMOTION, PROMOTION, st.data())
def test_fingerprints_are_equal_exactly_for_equal_values(
    one: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    """Two actions have one fingerprint exactly if all that is compared of them is equal."""
    # Two drawn actions are never equal; one with a member of the other often is in what is compared.
    mixed = {**copy.deepcopy(one), **data.draw(st.sampled_from([{name: other[name]} for name in other] or [{}]))}
    for document in (other, mixed):
        is_equal = compared(one) == compared(document)
        assert (state_of(one)["fingerprint"] == state_of(document)["fingerprint"]) == is_equal


BASE: dict[str, Any] = {
    "id": 9,
    "type": "PROMOTE_IMAGE",
    "name": "promote",
    "note": "n",
    "variables": [{"id": 1, "key": "A", "value": "secret"}],
    "permissions": {"users": [{"id": 2, "access_level": "READ_ONLY"}, {"id": 1, "access_level": "READ_ONLY"}]},
    "pipeline": {"id": 7, "priority": "HIGH"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"pipeline": {"id": 7, "priority": "LOW"}},
        {"pipeline": None},
        {"variables": [{"id": 1, "key": "A", "value": REDACTED}]},
        {"variables": [{"id": 1, "key": "A", "value": "another"}]},
        {"permissions": {"users": BASE["permissions"]["users"][::-1]}},
    ],
)
def test_what_is_not_the_actions_configuration_leaves_its_fingerprint(change: dict[str, Any]) -> None:
    """Fields of the pipeline, values of variables and the order of permissions change no fingerprint."""
    assert state_of({**BASE, **change})["fingerprint"] == state_of(BASE)["fingerprint"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"note": "m"},
        {"variables": []},
        {"variables": [{"id": 1, "key": "A"}]},
        {"permissions": {"users": BASE["permissions"]["users"][:1]}},
        {"trigger_conditions": [{"trigger_condition": "ALWAYS"}]},
        {"loop": []},
        {"loop": ["note"]},
    ],
)
def test_every_change_of_the_configuration_changes_the_fingerprint(change: dict[str, Any]) -> None:
    """A column, a field without one, a child row that came, went or changed: each makes another fingerprint."""
    assert state_of({**BASE, **change})["fingerprint"] != state_of(BASE)["fingerprint"]


def test_a_state_names_the_run_and_the_action_and_holds_no_value() -> None:
    """The row has the place of its action and the run that saw it, and no value of a variable."""
    state = state_of(BASE)
    assert [state[name] for name in ACTION_STATE.column_names[:7]] == [
        RUN_KEY.run_id, RUN_KEY.run_date, "us", "acme", "web", 7, 9,
    ]  # fmt: skip
    assert (state["first_seen_run_id"], state["last_seen_run_id"], state["removed_run_id"]) == (
        None,
        RUN_KEY.run_id,
        None,
    )
    assert "secret" not in str(state)
    assert len(state["fingerprint"]) == 32

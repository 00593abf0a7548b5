"""Flattening, field by field: each lands in its column, and what has none in `extra`."""

import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given

from collector.buddy.field_spec import BuddyObject
from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.requests import Kind
from collector.crawl.records import Key, ListedItem, Problem, Promotion
from collector.lake.flatten import value_state
from collector.lake.projection import canonical
from tests.lake.drawn_replies import ITEMS, JSON
from tests.lake.flattened import FETCHED, KEY, KIND_OF, RUN_KEY, rows_of, utc


def test_every_field_of_the_vendors_page_lands_in_its_column() -> None:
    """A complete action, as the vendor documents it, fills every column from the place of the same name."""
    ends = ("docker_registry", "registry", "image", "tag", "region", "integration", "username")
    plain = {
        "type": "PROMOTE_IMAGE", "url": "u", "html_url": "h", "name": "Promote", "current_revision": "506a39",
        "trigger_time": "ON_EVERY_EXECUTION", "run_next": "WAIT_ON_SUCCESS", "run_only_on_first_failure": True,
        "disabled": False, "timeout": 600, "ignore_errors": True, "retry_count": 2, "retry_interval": 30,
        "last_execution_status": "SUCCESSFUL", "loop": ["a", "b"], "same_location": False, "insecure_registry": True,
    }  # fmt: skip
    document: dict[str, Any] = {
        "id": 9,
        **plain,
        "trigger_conditions": [
            {
                "trigger_condition": "DATETIME", "trigger_condition_paths": ["/a"], "trigger_variable_key": "K",
                "trigger_variable_value": "V", "trigger_hours": [3], "trigger_days": [1, 7],
                "timezone": "Europe/Warsaw",
                "trigger_project_name": "web", "trigger_pipeline_name": "build", "trigger_user": "a@b.c",
                "trigger_group": "ops", "trigger_action_name": "test", "trigger_status": "SUPRESSED",
            }
        ],
        "variables": [
            {
                "id": 4, "key": "PORT", "type": "VAR", "encrypted": False, "settable": True, "run_only_settable": False,
                "description": "d", "value": "80", "file_path": "/f", "file_place": "CONTAINER", "file_chmod": "660",
                "init_path": "/i", "disabled": True,
            }
        ],
        "pipeline": {"id": 7, "name": "deploy", "identifier": "dep", "url": "pu", "html_url": "ph"},
        "permissions": {"others": "DENIED", "users": [{"id": 1, "access_level": "MANAGE"}], "groups": [{"id": 1}]},
        "src": {name: f"src {name}" for name in ends},
        "dest": {name: f"dest {name}" for name in ends},
    }  # fmt: skip
    rows = rows_of(Promotion(KEY, document, FETCHED))
    run_key = {"run_id": RUN_KEY.run_id, "run_date": RUN_KEY.run_date, "installation": "us"}
    key = {"workspace": "acme", "project": "web", "pipeline_id": 7, "action_id": 9}
    variable = dict(document["variables"][0])
    variable["variable_id"] = variable.pop("id")
    assert rows == [
        (
            "trigger_conditions",
            {**run_key, **key, "position": 1, **document["trigger_conditions"][0], "extra": None},
        ),
        ("variables", {**run_key, **key, "position": 1, **variable, "value_state": "kept", "extra": None}),
        ("permissions", {**run_key, **key, "principal_type": "user", "principal_id": 1, "access_level": "MANAGE"}),
        ("permissions", {**run_key, **key, "principal_type": "group", "principal_id": 1, "access_level": None}),
        (
            "promote_image_actions",
            {
                **run_key, **key, **plain, "permissions_others": "DENIED", "pipeline_name": "deploy",
                "pipeline_identifier": "dep", "pipeline_url": "pu", "pipeline_html_url": "ph",
                **{f"src_{name}": f"src {name}" for name in ends},
                **{f"dest_{name}": f"dest {name}" for name in ends},
                "fetched_at": utc(2026, 11, 23, 2, 0), "extra": None,
            },
        ),
    ]  # fmt: skip


def test_a_list_item_lands_in_its_columns() -> None:
    """An item is one row: its key, position, fields and coverage, with only unknown fields in `extra`."""
    moment = "2016-03-29T08:05:30.33+02:00"
    items: list[tuple[Kind, Key, dict[str, Any], dict[str, Any]]] = [
        (Kind.WORKSPACES, Key("us", "acme"), {"domain": "acme", "id": 1, "name": "N", "workspace": "new"},
         {"workspace": "acme", "workspace_id": 1, "name": "N", "extra": '{"workspace":"new"}'}),
        (Kind.PROJECTS, Key("us", "acme", "web"), {"name": "web", "create_date": moment, "extra": {"b": 1, "a": 2}},
         {"project": "web", "create_date": utc(2016, 3, 29, 6, 5, 30, 330_000), "extra": '{"extra":{"a":2,"b":1}}'}),
        (Kind.PIPELINES, Key("us", "acme", "web", 7), {"id": 7, "events": [{"type": "PUSH"}], "refs": []},
         {"pipeline_id": 7, "events": '[{"type":"PUSH"}]', "refs": [], "extra": None}),
        (Kind.ACTIONS, KEY, {"id": 9, "type": "FTP", "position": "first"},
         {"action_id": 9, "type": "FTP", "position": 5, "extra": '{"position":"first"}'}),
    ]  # fmt: skip
    for kind, key, document, expected in items:
        [(_, row)] = rows_of(ListedItem(kind, key, 5, document, True, "forbidden", {}))
        assert {name: row[name] for name in expected} == expected
        assert (row["installation"], row["workspace"], row["coverage"]) == ("us", "acme", "forbidden")


@pytest.mark.parametrize("view", ITEMS)
def test_only_the_key_of_an_unreadable_item_is_believed(view: type[BuddyObject]) -> None:
    """An item with a violation is a row of its key and coverage alone; its content is in its problem."""
    kind, key, table = KIND_OF[view]
    document = {"id": "x", "name": 7, "domain": "acme", "new": 1, "type": []}
    [(found, row)] = rows_of(ListedItem(kind, key, 2, document, False, "failed", {"its_list": {"url": "u"}}))
    kept = {"run_id", "run_date", "installation", "coverage", "extra", "position"}
    keys = {"workspace": "acme", "project": "web", "pipeline_id": 7, "action_id": 9}
    assert found == table
    assert {n for n, v in row.items() if v is not None} <= kept | set(keys)
    assert {n: row[n] for n in keys if n in row and getattr(key, n) is not None} == {
        n: v for n, v in keys.items() if getattr(key, n) is not None
    }
    assert (row["coverage"], row["extra"]) == ("failed", '{"its_list":{"url":"u"}}')


@pytest.mark.parametrize(
    ("condition", "timezone_", "extra"),
    [
        ({"timezone": "A"}, "A", None),
        ({"zone_id": "B"}, "B", None),
        ({"timezone": None, "zone_id": "B"}, "B", None),
        ({"timezone": "A", "zone_id": "A"}, "A", None),
        ({"timezone": "A", "zone_id": "B"}, "A", '{"zone_id":"B"}'),
        ({"timezone": "A", "zone_id": None}, "A", None),
        ({"timezone": "", "zone_id": "B"}, "", '{"zone_id":"B"}'),
        ({}, None, None),
    ],
)
def test_the_old_name_of_a_time_zone_is_understood(condition: Any, timezone_: str | None, extra: str | None) -> None:
    """`zone_id` replaces a missing `timezone`, and is kept in `extra` only where the two differ."""
    rows = rows_of(Promotion(KEY, {"trigger_conditions": [condition]}, FETCHED))
    assert (rows[0][1]["timezone"], rows[0][1]["extra"]) == (timezone_, extra)


@pytest.mark.parametrize(
    ("integration", "name", "extra"),
    [
        ("docker_hub", "docker_hub", None),
        ({"hash_id": "h", "identifier": "i"}, "h", '{"src":{"integration":{"identifier":"i"}}}'),
        ({"hash_id": None, "identifier": "i"}, "i", '{"src":{"integration":{"hash_id":null}}}'),
        ({"name": "n", "id": 4}, "n", '{"src":{"integration":{"id":4}}}'),
        ({"hash_id": 7}, None, '{"src":{"integration":{"hash_id":7}}}'),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_an_integration_is_named_in_every_form(integration: Any, name: str | None, extra: str | None) -> None:
    """An integration is a text, or the first name that an object has; the rest of the object is kept."""
    rows = rows_of(Promotion(KEY, {"src": {"integration": integration, "image": "x"}}, FETCHED))
    assert (rows[-1][1]["src_integration"], rows[-1][1]["src_image"], rows[-1][1]["extra"]) == (name, "x", extra)


def test_a_repeated_principal_is_one_row() -> None:
    """The first right of a principal is its row; a second one and any unknown member are kept in `extra`."""
    users = [{"id": 1, "access_level": "MANAGE"}, {"id": 1, "access_level": "DENIED"}, {"id": 2, "new": True}]
    rows = rows_of(Promotion(KEY, {"permissions": {"users": users, "groups": None, "teams": [3]}}, FETCHED))
    rights = [(row["principal_id"], row["access_level"]) for table, row in rows if table == "permissions"]
    assert rights == [(1, "MANAGE"), (2, None)]
    assert msgspec.json.decode(rows[-1][1]["extra"]) == {"permissions": {"users": users[1:], "teams": [3]}}


def test_a_pipeline_other_than_the_actions_own_is_kept() -> None:
    """The id of a nested pipeline is in `extra` if it is not the one in the address."""
    rows = rows_of(Promotion(KEY, {"pipeline": {"id": 8, "name": "n", "refs": ["r"]}}, FETCHED))
    assert rows[-1][1]["pipeline_name"] == "n"
    assert rows[-1][1]["extra"] == '{"pipeline":{"id":8,"refs":["r"]}}'


@pytest.mark.parametrize(
    ("value", "state", "shown"),
    [(None, "absent", None), ("", "empty", None), (ENCRYPTED, "encrypted", None), (REDACTED, "redacted", None),
     ("80", "kept", "80")],
)  # fmt: skip
def test_a_value_has_a_state(value: str | None, state: str, shown: str | None) -> None:
    """Placeholders and empty texts are described by the state, and only a kept value is in the row."""
    assert value_state(value) == state
    [variable] = [r for t, r in rows_of(Promotion(KEY, {"variables": [{"value": value}]}, FETCHED)) if t == "variables"]
    assert (variable["value_state"], variable["value"]) == (state, shown)


def test_positions_begin_at_one() -> None:
    """Conditions and variables are numbered in the order in which Buddy lists them."""
    document = {"variables": [{"key": "A"}, {"key": "B"}], "trigger_conditions": [{}, {}]}
    rows = rows_of(Promotion(KEY, document, FETCHED))
    assert [(t, r["position"], r.get("key")) for t, r in rows if "position" in r] == [
        ("trigger_conditions", 1, None), ("trigger_conditions", 2, None), ("variables", 1, "A"), ("variables", 2, "B"),
    ]  # fmt: skip


def test_a_problem_is_its_row() -> None:
    """Every attribute of a problem is in its row, with times in UTC."""
    problem = Problem("timeout", KEY, "m", "/p?q", 504, "$.a", 4, FETCHED, FETCHED + timedelta(seconds=1), "raw")
    [(table, row)] = rows_of(problem)
    assert table == "problems"
    assert list(row.values()) == [
        RUN_KEY.run_id, RUN_KEY.run_date, "us", "timeout", "acme", "web", 7, 9, "/p?q", 504, "m", "$.a", 4,
        utc(2026, 11, 23, 2, 0), utc(2026, 11, 23, 2, 0, 1), "raw", "problem",
    ]  # fmt: skip


def test_the_time_zone_of_the_machine_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times in a row are UTC wherever the collector runs."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        [(_, row)] = rows_of(Problem("check", KEY, "m", first_seen_at=FETCHED))
    time.tzset()
    assert row["first_seen_at"] == utc(2026, 11, 23, 2, 0)


@given(JSON)
def test_equal_values_are_equal_text(value: Any) -> None:
    """The canonical text does not depend on the order of members, and decodes to the same value."""

    def turned(each: Any) -> Any:
        if isinstance(each, dict):
            return {n: turned(v) for n, v in reversed(each.items())}
        return [turned(v) for v in each] if isinstance(each, list) else each

    assert canonical(turned(value)) == canonical(value)
    assert msgspec.json.decode(canonical(value)) == value

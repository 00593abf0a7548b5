"""Laws of decoding a reply: each item on its own, and each violation with its place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.decode import Detail, ListPage, SchemaViolation, carries_ends, check_promote_image, decode
from collector.buddy.requests import Kind, Request, action_request

ASKED = action_request("us", "acme", "web", 7, 9)
KEYS = {Kind.WORKSPACES: "domain", Kind.PROJECTS: "name", Kind.PIPELINES: "id", Kind.ACTIONS: "id"}
VALID: dict[Kind, dict[str, Any]] = {
    Kind.WORKSPACES: {"domain": "acme", "id": 1},
    Kind.PROJECTS: {"name": "web", "create_date": "2016-03-29T08:05:30.33Z"},
    Kind.PIPELINES: {"id": 7, "refs": ["a"]},
    Kind.ACTIONS: {"id": 9, "type": "PROMOTE_IMAGE"},
}
LISTS = list(VALID)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def decode_list(kind: Kind, document: dict[str, Any]) -> ListPage:
    """Decode one page of a list."""
    page = decode(Request("us", kind), document)
    assert isinstance(page, ListPage)
    return page


def detail(**members: Any) -> Detail:
    """Decode a promote-image action with these members."""
    read = decode(ASKED, {"id": 9, "type": "PROMOTE_IMAGE", **members})
    assert isinstance(read, Detail)
    return read


@pytest.mark.parametrize(
    ("members", "json_path"),
    [
        ({"src": {"image": 7}}, "$.src.image"),
        ({"dest": "x"}, "$.dest"),
        ({"src": {"integration": 5}}, "$.src.integration"),
        ({"timeout": 1.5}, "$.timeout"),
        ({"timeout": True}, "$.timeout"),
        ({"retry_count": 2**63}, "$.retry_count"),
        ({"loop": ["a", 1]}, "$.loop[1]"),
        ({"variables": [{"id": 1}, {"id": "x"}]}, "$.variables[1].id"),
        ({"variables": {"A": "b"}}, "$.variables"),
        ({"trigger_conditions": [{}, {"trigger_hours": [1, None]}]}, "$.trigger_conditions[1].trigger_hours[1]"),
        ({"permissions": {"users": [{"id": 1}, {}]}}, "$.permissions.users[1]"),
        ({"permissions": {"groups": [{"id": True}]}}, "$.permissions.groups[0].id"),
        ({"pipeline": {"id": "7"}}, "$.pipeline.id"),
        ({"id": 10}, "$.id"),
        ({"id": 9.0}, "$.id"),
        ({"id": "9"}, "$.id"),
        ({"type": 7}, "$.type"),
        ({"type": ["PROMOTE_IMAGE"]}, "$.type"),
        ({"type": {"a": 1}}, "$.type"),
    ],
)
def test_a_violation_names_its_place(members: dict[str, Any], json_path: str) -> None:
    """A value of the wrong type is a violation at its exact JSON path, and the message does not quote it."""
    violation = detail(**members).violation
    assert violation is not None
    assert violation.json_path == json_path
    assert violation.message


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("raw", [None, True, 7, 1.5, "x", ["x"], [{}]])
def test_an_element_that_is_no_object_is_kept_and_costs_no_neighbour(kind: Kind, raw: Any) -> None:
    """An element that is not an object becomes an item without a key that holds it; its neighbours are valid."""
    page = decode_list(kind, {kind.value: [VALID[kind], raw, VALID[kind]]})
    first, bad, last = page.items
    assert first.violation is None
    assert last.violation is None
    assert (bad.key, bad.document) == (None, {"item": raw})
    assert bad.violation is not None
    assert bad.violation.json_path == bad.json_path == f"$.{kind.value}[1]"


@pytest.mark.parametrize("kind", [Kind.PIPELINES, Kind.ACTIONS])
@pytest.mark.parametrize("key", [True, 1.0, "7", None, [7], 2**63, -(2**63) - 1])
def test_an_id_that_is_no_64_bit_integer_is_no_key(kind: Kind, key: Any) -> None:
    """A boolean, float, text, null or huge id is a violation at its path and is never used in an address."""
    item = decode_list(kind, {kind.value: [{**VALID[kind], "id": key}]}).items[0]
    assert item.key is None
    assert item.violation is not None
    assert item.violation.json_path == f"$.{kind.value}[0].id"


@pytest.mark.parametrize("kind", [Kind.PIPELINES, Kind.ACTIONS])
@pytest.mark.parametrize("key", [0, -5, 2**63 - 1, -(2**63)])
def test_any_64_bit_id_is_a_key(kind: Kind, key: int) -> None:
    """Zero and negative ids are unusual but valid."""
    item = decode_list(kind, {kind.value: [{**VALID[kind], "id": key}]}).items[0]
    assert (item.key, item.violation) == (key, None)


@pytest.mark.parametrize("kind", [Kind.WORKSPACES, Kind.PROJECTS])
@pytest.mark.parametrize("key", ["", None, 7, True, ["web"]])
def test_a_name_that_is_empty_or_no_text_is_no_key(kind: Kind, key: Any) -> None:
    """An empty name would request the list above: it is a violation and never used in an address."""
    item = decode_list(kind, {kind.value: [{**VALID[kind], KEYS[kind]: key}]}).items[0]
    assert item.key is None
    assert item.violation is not None
    assert item.violation.json_path == f"$.{kind.value}[0].{KEYS[kind]}"


@pytest.mark.parametrize("kind", LISTS)
def test_a_missing_key_is_a_violation_of_the_item(kind: Kind) -> None:
    """An item without its key is a violation at the item's own path, and the message names the field."""
    whole = {n: v for n, v in VALID[kind].items() if n != KEYS[kind]}
    item = decode_list(kind, {kind.value: [whole]}).items[0]
    assert item.key is None
    assert item.violation == SchemaViolation(f"Object missing required field `{KEYS[kind]}`", f"$.{kind.value}[0]")


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        (Kind.WORKSPACES, "id", "1"), (Kind.PROJECTS, "display_name", 7), (Kind.PROJECTS, "create_date", "soon"),
        (Kind.PIPELINES, "create_date", "2016-13-01T00:00:00Z"), (Kind.PIPELINES, "tags", "x"),
        (Kind.ACTIONS, "type", ""), (Kind.ACTIONS, "type", 7), (Kind.ACTIONS, "disabled", "no"),
    ],
)  # fmt: skip
def test_a_bad_field_does_not_cost_the_key(kind: Kind, member: str, value: Any) -> None:
    """An item with a violation outside its key keeps its key, so its children can be requested."""
    item = decode_list(kind, {kind.value: [{**VALID[kind], member: value}]}).items[0]
    assert item.key == VALID[kind][KEYS[kind]]
    assert item.violation is not None
    assert item.violation.json_path == f"$.{kind.value}[0].{member}"


@pytest.mark.parametrize("kind", LISTS)
def test_the_members_around_the_list_are_its_envelope(kind: Kind) -> None:
    """Every member of the reply except the list itself is in the envelope, unchanged."""
    around = {"url": "u", "page": 1, "new": {"a": [None]}}
    page = decode(Request("us", kind), {**around, kind.value: []})
    assert page == ListPage((), around)


@given(st.sampled_from(LISTS), st.lists(JSON, max_size=4), st.integers(0, 4))
def test_a_valid_item_is_read_whatever_its_neighbours_are(kind: Kind, others: list[Any], place: int) -> None:
    """Beside any JSON a valid item is read as if it were alone, and every element gives one item."""
    elements = [*others[:place], VALID[kind], *others[place:]]
    page = decode_list(kind, {kind.value: elements})
    assert len(page.items) == len(elements)
    item = page.items[min(place, len(others))]
    assert (item.key, item.document, item.violation) == (VALID[kind][KEYS[kind]], VALID[kind], None)
    for item in page.items:
        assert item.violation is not None or item.key is not None


@given(st.dictionaries(st.sampled_from(["id", "type", "src", "variables", "pipeline", "permissions", "x"]), JSON))
def test_decoding_an_action_changes_nothing_and_never_fails(document: dict[str, Any]) -> None:
    """Any object is decoded without an error and is not changed."""
    before = copy.deepcopy(document)
    read = decode(ASKED, document)
    assert isinstance(read, Detail)
    assert json.dumps(read.document) == json.dumps(before)


def test_an_action_that_changed_its_type_is_no_promote_image() -> None:
    """An action of another type is reported as such, whatever else it holds, but its id must be the requested one."""
    assert decode(ASKED, {"id": 9, "type": "FTP", "timeout": "long"}) == Detail(
        {"id": 9, "type": "FTP", "timeout": "long"}, None, is_promote_image=False
    )
    other = decode(ASKED, {"id": 10, "type": "FTP"})
    assert isinstance(other, Detail)
    assert other.violation is not None


@pytest.mark.parametrize("told", [{"id": 9}, {"type": "PROMOTE_IMAGE"}])
@pytest.mark.parametrize("rest", [{}, {"src": None, "variables": None}])
def test_an_action_of_nulls_is_a_promote_image(told: dict[str, Any], rest: dict[str, Any]) -> None:
    """Missing and null are equal and no violation, as long as the id or the type is there."""
    assert decode(ASKED, {**told, **rest}) == Detail({**told, **rest}, None, is_promote_image=True)


@pytest.mark.parametrize("document", [{}, {"id": None, "type": None}, {"message": "All is well", "src": {}}])
def test_an_object_with_neither_id_nor_type_is_no_action(document: dict[str, Any]) -> None:
    """A reply without id and type does not show that it is about the requested action: the whole is a violation."""
    read = decode(ASKED, document)
    assert isinstance(read, Detail)
    assert read.violation is not None
    assert read.violation.json_path == "$"


def test_the_path_of_a_violation_begins_with_the_place_in_the_list() -> None:
    """An action inside a list is checked with its place in the list before its own path."""
    violation = check_promote_image({"src": {"image": 7}}, "$.actions[3]")
    assert violation is not None
    assert violation.json_path == "$.actions[3].src.image"


@pytest.mark.parametrize(
    ("document", "carried"),
    [
        ({"src": {}, "dest": {}}, True), ({"src": {}}, False), ({"dest": {}}, False), ({"src": {}, "dest": None}, False),
        ({"src": "a", "dest": {}}, False), ({}, False),
    ],
)  # fmt: skip
def test_only_both_ends_make_the_get_unnecessary(document: dict[str, Any], carried: bool) -> None:
    """A list item makes its action's own GET unnecessary only when both ends are objects."""
    assert carries_ends(document) is carried

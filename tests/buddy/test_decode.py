"""Laws of understanding a reply: each item on its own, and each breach with its place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.decode import (
    Detail,
    ListPage,
    SchemaViolation,
    carries_ends,
    check_promote_image,
    decode,
    decode_list,
)
from collector.buddy.requests import Kind, Request, action_request

ASKED = action_request("us", "acme", "web", 7, 9)
KEYS = {Kind.WORKSPACES: "domain", Kind.PROJECTS: "name", Kind.PIPELINES: "id", Kind.ACTIONS: "id"}
SOUND: dict[Kind, dict[str, Any]] = {
    Kind.WORKSPACES: {"domain": "acme", "id": 1},
    Kind.PROJECTS: {"name": "web", "create_date": "2016-03-29T08:05:30.33Z"},
    Kind.PIPELINES: {"id": 7, "refs": ["a"]},
    Kind.ACTIONS: {"id": 9, "type": "PROMOTE_IMAGE"},
}
LISTS = list(SOUND)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


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
def test_a_breach_names_its_place(members: dict[str, Any], json_path: str) -> None:
    """A value of the wrong kind is a breach at its exact JSON path, with words that don't quote it."""
    breach = detail(**members).breach
    assert breach is not None
    assert breach.json_path == json_path
    assert breach.message


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("raw", [None, True, 7, 1.5, "x", ["x"], [{}]])
def test_an_element_that_is_no_object_is_kept_and_costs_nobody(kind: Kind, raw: Any) -> None:
    """An element that isn't an object becomes an item without a key that holds it, between sound neighbours."""
    page = decode_list(kind, {kind.value: [SOUND[kind], raw, SOUND[kind]]})
    first, bad, last = page.items
    assert first.breach is None
    assert last.breach is None
    assert (bad.key, bad.document) == (None, {"item": raw})
    assert bad.breach is not None
    assert bad.breach.json_path == bad.at == f"$.{kind.value}[1]"


@pytest.mark.parametrize("kind", [Kind.PIPELINES, Kind.ACTIONS])
@pytest.mark.parametrize("key", [True, 1.0, "7", None, [7], 2**63, -(2**63) - 1])
def test_an_id_that_is_no_64_bit_integer_is_no_key(kind: Kind, key: Any) -> None:
    """A boolean, float, text, null or huge id breaches the contract at its path and is never used in an address."""
    item = decode_list(kind, {kind.value: [{**SOUND[kind], "id": key}]}).items[0]
    assert item.key is None
    assert item.breach is not None
    assert item.breach.json_path == f"$.{kind.value}[0].id"


@pytest.mark.parametrize("kind", [Kind.PIPELINES, Kind.ACTIONS])
@pytest.mark.parametrize("key", [0, -5, 2**63 - 1, -(2**63)])
def test_any_64_bit_id_is_a_key(kind: Kind, key: int) -> None:
    """Zero and negative ids are strange and nevertheless Buddy's own."""
    item = decode_list(kind, {kind.value: [{**SOUND[kind], "id": key}]}).items[0]
    assert (item.key, item.breach) == (key, None)


@pytest.mark.parametrize("kind", [Kind.WORKSPACES, Kind.PROJECTS])
@pytest.mark.parametrize("key", ["", None, 7, True, ["web"]])
def test_a_name_that_is_empty_or_no_text_is_no_key(kind: Kind, key: Any) -> None:
    """An empty name would ask for the list above: it is a breach and never used in an address."""
    item = decode_list(kind, {kind.value: [{**SOUND[kind], KEYS[kind]: key}]}).items[0]
    assert item.key is None
    assert item.breach is not None
    assert item.breach.json_path == f"$.{kind.value}[0].{KEYS[kind]}"


@pytest.mark.parametrize("kind", LISTS)
def test_a_missing_key_is_a_breach_of_the_item(kind: Kind) -> None:
    """Without its key an item is in breach at its own place, and the field is named."""
    whole = {n: v for n, v in SOUND[kind].items() if n != KEYS[kind]}
    item = decode_list(kind, {kind.value: [whole]}).items[0]
    assert item.key is None
    assert item.breach == SchemaViolation(f"Object missing required field `{KEYS[kind]}`", f"$.{kind.value}[0]")


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        (Kind.WORKSPACES, "id", "1"), (Kind.PROJECTS, "display_name", 7), (Kind.PROJECTS, "create_date", "soon"),
        (Kind.PIPELINES, "create_date", "2016-13-01T00:00:00Z"), (Kind.PIPELINES, "tags", "x"),
        (Kind.ACTIONS, "type", ""), (Kind.ACTIONS, "type", 7), (Kind.ACTIONS, "disabled", "no"),
    ],
)  # fmt: skip
def test_a_bad_field_leaves_the_key_believed(kind: Kind, member: str, value: Any) -> None:
    """An item in breach beside its key still tells whose children to ask for."""
    item = decode_list(kind, {kind.value: [{**SOUND[kind], member: value}]}).items[0]
    assert item.key == SOUND[kind][KEYS[kind]]
    assert item.breach is not None
    assert item.breach.json_path == f"$.{kind.value}[0].{member}"


@pytest.mark.parametrize("kind", LISTS)
def test_what_stands_around_the_list_is_its_envelope(kind: Kind) -> None:
    """Every member of the reply but the list itself is in the envelope, as it was."""
    around = {"url": "u", "page": 1, "new": {"a": [None]}}
    page = decode(Request("us", kind), {**around, kind.value: []})
    assert page == ListPage((), around)


@given(st.sampled_from(LISTS), st.lists(JSON, max_size=4), st.integers(0, 4))
def test_whatever_stands_in_a_list_a_sound_item_is_read(kind: Kind, others: list[Any], place: int) -> None:
    """Any JSON may stand beside a sound item: it is read as if it were alone, and every element gives one item."""
    elements = [*others[:place], SOUND[kind], *others[place:]]
    page = decode_list(kind, {kind.value: elements})
    assert len(page.items) == len(elements)
    item = page.items[min(place, len(others))]
    assert (item.key, item.document, item.breach) == (SOUND[kind][KEYS[kind]], SOUND[kind], None)
    for item in page.items:
        assert item.breach is not None or item.key is not None


@given(st.dictionaries(st.sampled_from(["id", "type", "src", "variables", "pipeline", "permissions", "x"]), JSON))
def test_decoding_an_action_changes_nothing_and_never_fails(document: dict[str, Any]) -> None:
    """Any object may come back for an action: it is sound, in breach, or of another type, and stays as it was."""
    before = copy.deepcopy(document)
    read = decode(ASKED, document)
    assert isinstance(read, Detail)
    assert json.dumps(read.document) == json.dumps(before)


def test_an_action_that_changed_its_type_is_no_promote_image() -> None:
    """An action of another type is said to be one, whatever else it holds, but must be the one asked for."""
    assert decode(ASKED, {"id": 9, "type": "FTP", "timeout": "long"}) == Detail(
        {"id": 9, "type": "FTP", "timeout": "long"}, None, is_promote_image=False
    )
    other = decode(ASKED, {"id": 10, "type": "FTP"})
    assert isinstance(other, Detail)
    assert other.breach is not None


@pytest.mark.parametrize("told", [{"id": 9}, {"type": "PROMOTE_IMAGE"}])
@pytest.mark.parametrize("rest", [{}, {"src": None, "variables": None}])
def test_an_action_of_nulls_is_a_promote_image(told: dict[str, Any], rest: dict[str, Any]) -> None:
    """Missing and null are equal and no breach: the list said what the action is, its id or its type that it is one."""
    assert decode(ASKED, {**told, **rest}) == Detail({**told, **rest}, None, is_promote_image=True)


@pytest.mark.parametrize("document", [{}, {"id": None, "type": None}, {"message": "All is well", "src": {}}])
def test_an_object_with_neither_id_nor_type_is_no_action(document: dict[str, Any]) -> None:
    """Nothing shows that such a reply is about the action that was asked for: it is a breach of the whole."""
    read = decode(ASKED, document)
    assert isinstance(read, Detail)
    assert read.breach is not None
    assert read.breach.json_path == "$"


def test_a_breach_in_a_list_is_placed_in_the_list() -> None:
    """A whole action inside a list is checked with its place in the list before its own path."""
    breach = check_promote_image({"src": {"image": 7}}, "$.actions[3]")
    assert breach is not None
    assert breach.json_path == "$.actions[3].src.image"


@pytest.mark.parametrize(
    ("document", "carried"),
    [
        ({"src": {}, "dest": {}}, True), ({"src": {}}, False), ({"dest": {}}, False), ({"src": {}, "dest": None}, False),
        ({"src": "a", "dest": {}}, False), ({}, False),
    ],
)  # fmt: skip
def test_only_both_ends_spare_the_get(document: dict[str, Any], carried: bool) -> None:
    """A list item spares its action's own GET only when both ends are there as objects."""
    assert carries_ends(document) is carried

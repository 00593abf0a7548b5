"""Laws of bodies whose texts are not all texts: whatever can be read is, and a mark says where nothing could."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.decode import Detail, ListPage, decode
from collector.buddy.requests import Kind, Request, projects_request
from collector.buddy.unicode_repair import place_of_placeholder, repaired

# Any text, halves of pairs included, as Python holds them.
TEXTS = st.text(st.characters(codec=None), max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        (rb'{"a": "\ud83d"}', {"a": "[no character: U+D83D]"}),
        (rb'{"a": "\uDe00x"}', {"a": "[no character: U+DE00]x"}),
        (b'{"a": "caf\xe9"}', {"a": "caf[no character: U+DCE9]"}),
        (rb'{"a": ["\ud83d\ude00", "\ud83d"], "b": 7}', {"a": ["\U0001f600", "[no character: U+D83D]"], "b": 7}),
        (rb'{"\ud800": 1}', {"[no character: U+D800]": 1}),
    ],
)
def test_what_is_a_character_is_kept(body: bytes, reads: Any) -> None:
    """Only what is no character is replaced: whole pairs and everything around it stay as they are."""
    found = repaired(body)
    assert found is not None
    assert msgspec.json.decode(found) == reads


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a": "\xff"', b'{"a": NaN, "b": "\xff"}', b'{"a": 1e999, "b": "\xff"}', b"\xff" * 100,
     b'{"a": "sound"}', b"[" * 100_000 + b'"\xff"'],
)  # fmt: skip
def test_another_fault_is_not_mended(body: bytes) -> None:
    """Half a body, HTML, numbers that are none, and a body that is sound are nothing to mark."""
    assert repaired(body) is None


@given(DOCUMENTS)
def test_every_document_can_be_read(document: Any) -> None:
    """Whatever halves a document holds, it is read, the rest of it unchanged; without any there is nothing to mark."""
    body = json.dumps(document).encode()
    whole = json.loads(body)
    found = repaired(body)
    if found is None:
        assert msgspec.json.decode(body) == whole
        return
    assert place_of_placeholder(msgspec.json.decode(found), "$") is not None
    assert repaired(found) is None


def test_one_bad_item_costs_no_neighbour() -> None:
    """An item with a placeholder is a violation at its place; its key is believed unless it holds the placeholder."""
    body = repaired(rb'{"projects": [{"name": "a"}, {"name": "b", "display_name": "\ud83d"}, {"name": "\ud83d"}]}')
    assert body is not None
    page = decode(projects_request("us", "acme"), msgspec.json.decode(body), repaired=True)
    assert isinstance(page, ListPage)
    assert [(item.key, item.violation and item.violation.json_path) for item in page.items] == [
        ("a", None), ("b", "$.projects[1].display_name"), (None, "$.projects[2].name"),
    ]  # fmt: skip


def test_a_single_action_is_a_violation_at_the_place() -> None:
    """However deep the mark stands, its path is told."""
    body = repaired(rb'{"id": 9, "type": "PROMOTE_IMAGE", "variables": [{"key": "A"}, {"key": "\ud83d"}]}')
    assert body is not None
    read = decode(Request("us", Kind.ACTION, "w", "p", 1, 9), msgspec.json.decode(body), repaired=True)
    assert isinstance(read, Detail)
    assert read.violation is not None
    assert read.violation.json_path == "$.variables[1].key"

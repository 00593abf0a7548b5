"""JSON paths into a reply."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from collector.fake_buddy.json_path import parse, set_value

DOCUMENT: dict[str, Any] = {"a": {"b": 1}, "list": [{"id": 1}, {"id": 2}], "numbers": [1, 2]}


@pytest.mark.parametrize(
    ("path", "found"),
    [("a", ["a"]), ("$.a.b", ["a", "b"]), ("list[0].id", ["list", 0, "id"]), ("list[*].id", ["list", "*", "id"])],
)
def test_a_path_is_parsed_into_steps(path: str, found: list[str | int]) -> None:
    """Fields, indexes and stars are parsed in order, with or without the dollar sign."""
    assert parse(path) == found


@pytest.mark.parametrize("path", ["", "$", "a..b", "a[", "a[x]", "a]"])
def test_an_invalid_path_is_an_error(path: str) -> None:
    """Text that is not a path raises ValueError."""
    with pytest.raises(ValueError, match="JSON path"):
        parse(path)


@pytest.mark.parametrize(
    ("path", "count", "changed"),
    [
        ("a.b", 1, {"a": {"b": "new"}}),
        ("a.c", 1, {"a": {"b": 1, "c": "new"}}),
        ("a", 1, {"a": "new"}),
        ("list[-1].id", 1, {"list": [{"id": 1}, {"id": "new"}]}),
        ("list[*].id", 2, {"list": [{"id": "new"}, {"id": "new"}]}),
        ("numbers[1]", 1, {"numbers": [1, "new"]}),
        ("numbers[*]", 2, {"numbers": ["new", "new"]}),
        ("list[9].id", 0, {}),
        ("numbers[9]", 0, {}),
        ("a.b.c", 0, {}),
        ("a[0]", 0, {}),
        ("nothing.c", 0, {}),
        ("numbers.c", 0, {}),
    ],
)
def test_a_value_is_set_where_the_path_leads(path: str, count: int, changed: dict[str, Any]) -> None:
    """Every value that the path names is replaced, the rest stays, and a path to nothing changes nothing."""
    document = copy.deepcopy(DOCUMENT)
    assert set_value(document, path, "new") == count
    assert document == {**DOCUMENT, **changed}

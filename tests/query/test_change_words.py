"""Changes in words: what came, what went, and what is another one now."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.query.change_words import change_words

VARIABLE = {"position": 1, "variable_id": 7, "key": "TOKEN", "type": "VAR", "encrypted": False}
USER = {"principal_type": "user", "principal_id": 200, "access_level": "MANAGE"}
GROUP = {"principal_type": "group", "principal_id": 30, "access_level": "BLIND"}


@pytest.mark.parametrize(
    ("column", "old", "new", "words"),
    [
        ("dest_tag", "staging", "staging-1", "dest tag: staging to staging-1"),
        ("timeout", None, "300", "timeout: nothing to 300"),
        ("src_image", "", "a/b:[x", "src image: empty to a/b:[x"),
        ("loop", ["a", "b"], [], "loop: a, b to nothing"),
        ("permissions", [USER, GROUP], [{**USER, "access_level": "READ_ONLY"}],
         "user 200: MANAGE to READ_ONLY; group 30 removed"),
        ("permissions", [], [GROUP], "group 30 added: BLIND"),
        ("variables", [VARIABLE], [{**VARIABLE, "encrypted": True}, {**VARIABLE, "key": "A", "position": 2}],
         "TOKEN: encrypted false to true; A added: VAR"),
        ("variables", [VARIABLE], [{**VARIABLE, "position": 2}], "TOKEN: another place"),
        ("variables", [VARIABLE, VARIABLE], [VARIABLE], "TOKEN (2) removed"),
        ("trigger_conditions", [{"position": 1, "trigger_condition": "ALWAYS", "trigger_user": None}],
         [{"position": 1, "trigger_condition": "ALWAYS", "trigger_user": "ann"}],
         "condition 1: trigger user nothing to ann"),
        ("extra", {"sbom": True}, {"sbom": True, "policy": {"two": 2}}, 'policy nothing to {"two":2}'),
        ("extra", None, {"sbom": False}, "sbom nothing to false"),
    ],
)  # fmt: skip
def test_words(column: str, old: Any, new: Any, words: str) -> None:
    """A field has its value before and after; of permissions, variables and conditions only what differs is said."""
    before, after = (json.dumps(each) if isinstance(each, list | dict) else each for each in (old, new))
    assert change_words("changed", column, before, after) == words


def test_an_action_that_came_or_went() -> None:
    """Without a column the action itself is new, gone or back."""
    assert [change_words(each, None, None, None) for each in ("added", "removed", "returned")] == [
        "new", "removed", "returned",
    ]  # fmt: skip


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*VARIABLE, *USER]), inner, max_size=4),
    max_leaves=8,
).map(json.dumps) | st.text(max_size=10)


@given(
    st.sampled_from(["permissions", "variables", "trigger_conditions", "extra", "loop", "dest_tag"]),
    st.none() | JSON_TEXTS,
    st.none() | JSON_TEXTS,
)
def test_any_value_gives_words(column: str, old: str | None, new: str | None) -> None:
    """Whatever the values are, also JSON of another shape or no JSON, there are words."""
    assert change_words("changed", column, old, new)

"""Selecting workspaces and projects by globs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.settings.globs import exact_names, selects


@pytest.mark.parametrize(
    ("globs", "name", "wanted"),
    [
        ((), "anything", True),
        (("acme",), "acme", True),
        (("acme",), "Acme", False),
        (("acme-*",), "acme-eu", True),
        (("!acme",), "acme", False),
        (("!acme",), "other", True),
        (("!a*", "ab"), "ab", False),
        (("team/*",), "team/x/y", True),
    ],
)
def test_selecting(globs: tuple[str, ...], name: str, wanted: bool) -> None:
    """A name is collected when a pattern says so and no exclude does; only excludes select all others."""
    assert selects(globs, name) is wanted


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ((), None),
        (("a", "b"), ("a", "b")),
        (("a", "!b*"), ("a",)),
        (("a", "b", "!b"), ("a",)),
        (("!b",), None),
        (("a*",), None),
        (("a?",), None),
        (("[ab]",), None),
    ],
)
def test_exact_names(globs: tuple[str, ...], names: tuple[str, ...] | None) -> None:
    """Names without wildcards need no list; anything else does."""
    assert exact_names(globs) == names


@given(st.lists(st.text(alphabet="ab*!", min_size=1, max_size=4).filter(lambda glob: glob.strip("!")), max_size=4))
def test_exact_names_are_selected(globs: list[str]) -> None:
    """Whatever is written, the names asked for without a list are ones that are selected."""
    for name in exact_names(tuple(globs)) or ():
        assert selects(tuple(globs), name)

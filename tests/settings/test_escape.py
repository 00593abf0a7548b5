"""The one set of unsafe characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.settings.escape import escape, quote


@pytest.mark.parametrize(
    ("unsafe", "escaped"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("left\u200e right\u200f", "left\\u200e right\\u200f"),
        ("zero\u200bwidth soft\u00adhyphen", "zero\\u200bwidth soft\\xadhyphen"),
        ("lone\ud800surrogate", "lone\\ud800surrogate"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("équipe 東京 👩 [red] <b>", "équipe 東京 👩 [red] <b>"),
    ],
)
def test_unsafe_characters_are_escaped(unsafe: str, escaped: str) -> None:
    """Controls, marks of direction, characters without width and surrogates are escaped; all others stay."""
    assert escape(unsafe) == escaped


@given(st.text())
def test_escaped_text_is_safe(text: str) -> None:
    """Escaped text holds no control character, surrogate or line end, and escaping it again changes nothing."""
    safe = escape(text)
    assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(character) for character in safe} & {"LRE", "RLE", "LRO", "RLO", "PDF", "RLI"}
    assert escape(safe) == safe


def test_a_quoted_value_is_short_and_safe() -> None:
    """A message quotes what was written without control characters and cuts it."""
    assert quote("a\u202eb") == "'a\\u202eb'"
    assert quote("x" * 100) == "'" + "x" * 56 + "…'"

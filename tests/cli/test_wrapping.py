"""Lines are broken at spaces and after / . : - _, and nowhere else as long as a line can hold a word."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from collector.cli.wrapping import abbreviate, longest_piece, pieces, wrap_text

TEXTS = st.text(st.sampled_from("ab1 /.:-_東é>→"), max_size=60)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("acme-prod/web_shop:v1", ["acme-", "prod/", "web_", "shop:", "v1"]),
        ("2026-11-26", ["2026-11-26"]),
        ("17:48:00Z", ["17:48:00Z"]),
        ("registry:5000/app", ["registry:", "5000/", "app"]),
        ("app:${VERSION}", ["app:", "${VERSION}"]),
        ("--format", ["--format"]),
        ("a->b", ["a->b"]),
        ("...", ["..."]),
        ("東京x", ["東", "京", "x"]),
    ],
)
def test_where_a_word_may_be_broken(word: str, parts: list[str]) -> None:
    """After a mark between letters, not between digits, and between letters of scripts without spaces."""
    assert pieces(word) == parts


@given(TEXTS, st.integers(4, 30))
@example("  indented text that is longer", 12)
def test_lines_hold_all_of_the_text(text: str, width: int) -> None:
    """No line is too wide and nothing but spaces is lost; a piece that a line can hold is on one line."""
    lines = wrap_text(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    indent = min(len(text) - len(text.lstrip(" ")), width // 2)
    if longest_piece(text) <= width - indent:
        for word in text.split():
            for piece in pieces(word):
                assert any(piece in line for line in lines)


def test_revisions_and_digests_are_abbreviated() -> None:
    """As Git and Docker do, to twelve characters; shorter and other words stay."""
    assert (
        abbreviate(f"app@sha256:{'0a' * 32} {'f' * 40} {'f' * 39} feed")
        == f"app@sha256:{'0a' * 6} {'f' * 12} {'f' * 39} feed"
    )

"""What a name, an address or a document can do inside the page."""

import base64
import gzip
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.report.page import packed
from collector.report.rows import MAX_LENGTH, escaped, safe_link

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_the_data_is_text_that_no_element_ends_with(document: object) -> None:
    """Any document is unpacked unchanged, and its text has letters, digits, + / = only."""
    text = packed(document)
    assert json.loads(gzip.decompress(base64.b64decode(text))) == document
    assert re.fullmatch("[A-Za-z0-9+/=]+", text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("données/équipe A", "données/équipe A"),
        ("line one\nline two", "line one\\nline two"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("a\u200fb", "a\\u200fb"),
        ("👩💻", "👩💻"),
        ("\ud800", "\\ud800"),
        ("<b>", "<b>"),
    ],
)
def test_what_could_act_on_the_line_is_shown_as_an_escape(text: str, seen: str) -> None:
    """Controls and marks of direction are shown as escapes; letters and emoji stay as they are."""
    assert escaped(text) == seen


def test_long_texts_are_cut() -> None:
    """A value cannot fill the page, and it shows that it was cut."""
    assert escaped("x" * 1_000) == "x" * (MAX_LENGTH - 1) + "…"
    assert escaped("x" * MAX_LENGTH) == "x" * MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        ("https://app.buddy.works/acme/donn%C3%A9es/pipelines/1", True),
        ("http://buddy.example.internal:8080/x", True),
        ("javascript:alert(1)", False),
        ("javascript:alert(1)//https://app.buddy.works", False),
        (" https://app.buddy.works", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//app.buddy.works", False),
        ("/acme/shop", False),
        ("https://", False),
        ('https://app.buddy.works/"onclick="alert(1)', False),
        ("https://app.buddy.works/\nx", False),
        ("HTTPS://app.buddy.works", False),
        ("", False),
    ],
)
def test_only_plain_web_addresses_are_followed(text: str, followed: bool) -> None:
    """Only an address of https:// or http:// becomes a link."""
    assert safe_link(text) == (text if followed else None)


def test_no_address_is_none() -> None:
    """Without an address there is no link."""
    assert safe_link(None) is None

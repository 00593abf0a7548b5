"""What Buddy's errors say and mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.error_messages import MAX_CHARACTERS, meaning_of, message_in, one_line


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"errors": [{"message": "API is disabled in this workspace."}]}, "API is disabled in this workspace."),
        ({"errors": [{"message": "one"}, {"message": "two"}], "error": "three"}, "one; two"),
        ({"errors": ["plain"]}, "plain"),
        ({"errors": {"message": "not a list"}}, "not a list"),
        ({"errors": [], "error": "invalid_grant", "message": "x"}, "invalid_grant"),
        ({"error": {"message": "nested"}}, "nested"),
        ({"message": "Not found"}, "Not found"),
        ({"errors": [{"message": 5}], "error": None, "message": "  "}, None),
        ({}, None),
        ([{"message": "a list"}], None),
        ("text", None),
    ],
)
def test_finds_the_message_in_every_spelling(document: object, message: str | None) -> None:
    """errors[].message, else error, else message, else nothing."""
    assert message_in(document) == message


@pytest.mark.parametrize(
    ("status", "message", "meaning"),
    [
        (401, None, "unauthorised"),
        (401, "API is disabled in this workspace.", "unauthorised"),
        (403, "cannot receive data", "forbidden"),
        (403, None, "forbidden"),
        (403, "Rate limit exceeded.", "rate_limited"),
        (403, "RATE LIMIT", "rate_limited"),
        (400, "Rate limit exceeded.", "http_error"),
        (200, "Rate limit exceeded.", "rate_limited"),
        (429, None, "rate_limited"),
        (400, "API is disabled in this workspace.", "api_disabled"),
        (403, "API is disabled in this workspace.", "api_disabled"),
        (200, "API is disabled in this workspace.", "api_disabled"),
        (403, "Only active workspace have access to API", "frozen"),
        (404, "API is disabled", "gone"),
        (404, None, "gone"),
        (410, None, "gone"),
        (302, None, "redirect_refused"),
        (304, None, "http_error"),
        (101, None, "http_error"),
        (400, "bad", "http_error"),
        (500, "oops", "http_error"),
        (200, "oops", "http_error"),
    ],
)
def test_the_table_of_meanings(status: int, message: str | None, meaning: str) -> None:
    """Status and message together say which kind of problem it is, or that the rate limit refused."""
    assert meaning_of(status, message) == meaning


@given(st.text(max_size=3000))
def test_a_message_is_one_bounded_harmless_line(text: str) -> None:
    """No message can drive a terminal, break a line, reorder a screen, or be unwritable as UTF-8."""
    line = one_line(text)
    assert len(line) <= MAX_CHARACTERS
    line.encode("utf-8")
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
    assert not set(line) & set("\u2028\u2029\u202e\u2066")


def test_terminal_escapes_are_shown_not_obeyed() -> None:
    """An escape sequence loses its escape, line ends become spaces."""
    assert one_line("a\x1b[31mred\r\n b\u202e") == "a\ufffd[31mred b\ufffd"

"""Names from Buddy on a terminal, and secrets nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cli import terminal
from collector.settings.secret import Secret


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone\ud800surrogate", "lone\\ud800surrogate"),
        ("équipe 東京 [red]", "équipe 東京 [red]"),
    ],
)
def test_inert(hostile: str, shown: str) -> None:
    """What could act on a terminal is shown as an escape; everything else is left alone."""
    assert terminal.escape(hostile) == shown


@given(st.text())
def test_inert_text_is_printable(text: str) -> None:
    """No control character survives, and doing it twice changes nothing."""
    safe = terminal.escape(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in safe)
    assert terminal.escape(safe) == safe


def test_remembered_secrets_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a token is known, no message shows it; a very short one is left, for it would blank out ordinary
    words.
    """
    monkeypatch.setattr(terminal, "_known", [])
    terminal.remember(Secret("tok-123456"))
    terminal.remember(Secret("abc"))
    assert terminal.without_secrets("Bearer tok-123456 abc") == "Bearer [secret] abc"

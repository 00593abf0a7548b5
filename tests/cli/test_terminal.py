"""Secrets are removed from text that is written."""

import json

import pytest

from collector.cli import terminal
from collector.settings.secret import Secret


def test_remembered_secrets_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remembered token is replaced in every message, also as JSON writes it; a very short one is not, as it would
    blank out ordinary words.
    """
    monkeypatch.setattr(terminal, "_known", [])
    terminal.remember(Secret("tok-123456"))
    terminal.remember(Secret("abc"))
    assert terminal.without_secrets("Bearer tok-123456 abc") == "Bearer [secret] abc"
    terminal.remember(Secret('tok"123\\'))
    assert terminal.without_secrets('tok"123\\ ' + json.dumps('tok"123\\')) == '[secret] "[secret]"'

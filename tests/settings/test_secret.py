"""A secret is never shown by accident."""

import copy
import dataclasses
import pickle
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret


@given(st.text(alphabet=string.digits, min_size=8, max_size=60))
def test_a_secret_is_in_no_text(value: str) -> None:
    """No text of a Secret, or of a value that holds one, contains the token."""
    secret = Secret(value)
    installation = Installation("us", "https://api.buddy.works", secret)
    settings = Settings((installation,), Path("lake"))
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr(settings), f"{installation}"):
        assert value not in text
    assert not hasattr(secret, "__dict__")
    for escape in (pickle.dumps, copy.copy, copy.deepcopy, lambda each: dataclasses.asdict(settings) and each):
        with pytest.raises(TypeError, match="Secret"):
            escape(secret)


def test_a_secret_cannot_be_guessed_by_comparing() -> None:
    """Equality is identity, so a comparison does not reveal whether two secrets are the same."""
    assert Secret("abc-def-123") != Secret("abc-def-123")
    assert not Secret("")

"""Headers with scopes are read in either spelling, and what they hold is bounded and safe to show."""

import pytest

from collector.buddy.scope_headers import scopes_in


@pytest.mark.parametrize("spelling", ["0Auth", "OAuth"])
def test_both_spellings_are_read(spelling: str) -> None:
    """The scopes of the token and those that the method accepts are named in one sentence."""
    headers = {f"X-{spelling}-Scopes": "WORKSPACE,USER_INFO", f"X-Accepted-{spelling}-Scopes": "PIPELINE_READ"}
    assert (
        scopes_in(headers) == "this request needs one of the scopes PIPELINE_READ; the token has WORKSPACE, USER_INFO"
    )


def test_a_header_that_is_absent_or_empty() -> None:
    """Without headers nothing is said; an empty list of scopes is named."""
    assert scopes_in({"Content-Type": "text/html"}) is None
    assert scopes_in({"X-Accepted-0Auth-Scopes": "  "}) is None
    assert scopes_in({"X-0Auth-Scopes": ""}) == "the token has no scopes"


def test_a_header_is_data() -> None:
    """Control characters are replaced, long names left out as a whole, and many names cut."""
    said = scopes_in({"X-OAuth-Scopes": "\x1b[2J\u202eEVIL, " + "t" * 41 + ", A" * 5000})
    assert said is not None
    assert said.startswith("the token has \ufffd[2J\ufffdEVIL, …, A, A, ")
    assert said.endswith(", A, …")
    assert len(said) < 100

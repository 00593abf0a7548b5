"""The headers in which Buddy names the scopes of a token and of a method.

The headers exist since November 2025, spelled with the
digit 0 in the changelog, so both spellings are read (buddy-executions.md, section 0).
"""

from collections.abc import Mapping

from collector.buddy.error_messages import one_line

_SPELLINGS = ("0Auth", "OAuth")
# A header is foreign text: so many names of scopes are shown, each whole or not at all, because the
# redactor would not find half a token.
_MAX_SCOPES = 12
_MAX_CHARACTERS = 40


def scopes_in(headers: Mapping[str, str]) -> str | None:
    """Return what the headers of a refusal say about scopes, None when they say nothing."""
    token, accepted = _value(headers, "X-{}-Scopes"), _value(headers, "X-Accepted-{}-Scopes")
    found = []
    if accepted:
        found.append(f"this request needs one of the scopes {accepted}")
    if token is not None:
        found.append(f"the token has {token}" if token else "the token has no scopes")
    return "; ".join(found) or None


def _value(headers: Mapping[str, str], name: str) -> str | None:
    """Return the names in a header as one safe line, None when the header is absent."""
    value = next((headers[key] for each in _SPELLINGS if (key := name.format(each)) in headers), None)
    if value is None:
        return None
    names = value.replace(",", " ").split()
    shown = [one_line(each) if len(each) <= _MAX_CHARACTERS else "…" for each in names[:_MAX_SCOPES]]
    return ", ".join(shown + ["…"] * (len(names) > _MAX_SCOPES))

"""Takes the secrets out of a reply before anything remembers it.

The redaction list (design.md, section 5; buddy-api.md, 5.3): values of variables unless they are kept, and then only of
unencrypted ones; passwords and passphrases always; the token itself wherever it turns up. A redacted value leaves a mark
that still says which it was, so that nothing after the journal needs to know how the run was set.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Any

from collector.buddy.marks import ENCRYPTED, REDACTED, TOKEN

# What needs no redacting: nothing, and what has been redacted already.
_SAFE = (None, "", REDACTED, ENCRYPTED)
# Buddy's ciphertext, which comes back in place of an encrypted value (buddy-api.md, 5.3).
_CIPHERTEXT = "secure!"
# A body without any of these, whatever the case, has no name that matters.
_TELLING = (b'ariables"', b"pass")
_CONTAINERS = frozenset({dict, list})
# Names are remembered up to this many, for a reply may hold any.
_MOST_NAMES = 4096


class _Meaning(Enum):
    """What a member's name says about its value."""

    SECRET = "always a secret"
    VARIABLES = "a list or an object of variables"
    ALSO_VARIABLES = "such a list by a longer name"


class _Meanings(dict[str, _Meaning | None]):
    """What names mean, remembered: every reply asks a hundred times for the same few."""

    def __missing__(self, name: str) -> _Meaning | None:
        if len(self) >= _MOST_NAMES:
            self.clear()
        self[name] = meaning = _meaning(name.lower())
        return meaning


def _meaning(name: str) -> _Meaning | None:
    if name in {"password", "passphrase"}:
        return _Meaning.SECRET
    if name == "variables":
        return _Meaning.VARIABLES
    return _Meaning.ALSO_VARIABLES if name.endswith("variables") else None


class Redactor:
    """Redacts decoded replies in place for one token and one `variable_values` setting."""

    def __init__(self, token: str, *, keep_values: bool) -> None:
        self._token = token
        self._token_bytes = token.encode()
        self._keep_values = keep_values
        self._meanings = _Meanings()

    def __repr__(self) -> str:
        """Show nothing: the token is inside."""
        return "Redactor()"

    def redact(self, body: bytes, document: Any) -> bool:
        """Take secrets out of `document`, decoded from `body`; True if anything was changed, so `body` must not be kept."""
        # A backslash may hide a letter of a name (\u0070assword) or of the token: that body is gone through with care.
        if b"\\" in body or self._token_bytes in body:
            return self.redact_document(document)
        lowered = body.lower()
        return self._redact_names(document, sum(map(lowered.count, _TELLING)))

    def redact_document(self, document: Any, *, strictly: bool = False) -> bool:
        """Take secrets out of a decoded JSON value in place, whatever its depth; True if anything was changed.

        `strictly` is for a document that isn't what was asked for: there, whatever is called `value` is taken for one.
        """
        changed = False
        for node in _nodes(document):
            changed |= self._redact_token(node)
            if isinstance(node, dict):
                changed |= self._redact_members(node, list(filter(self._meanings.__getitem__, node)))
                if strictly and node.get("value") not in _SAFE:
                    node["value"] = REDACTED
                    changed = True
        return changed

    def _redact_names(self, document: Any, most: int) -> bool:
        """Take secrets out by their names alone, of which there are at most so many: past the last, nothing is looked at."""
        changed = False
        nodes = _nodes(document)
        while most > 0 and (node := next(nodes, None)) is not None:
            if isinstance(node, dict):
                telling = list(filter(self._meanings.__getitem__, node))
                changed |= self._redact_members(node, telling)
                most -= len(telling)
        return changed

    def redact_text(self, text: str) -> str:
        """Return `text` without the token."""
        return text.replace(self._token, TOKEN) if self._token else text

    def _redact_token(self, node: Any) -> bool:
        """Take the token out of the names and texts that `node` itself holds."""
        changed = False
        if isinstance(node, dict):
            for name in [name for name in node if self._holds_token(name)]:
                node[self.redact_text(name)] = node.pop(name)
                changed = True
        places = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for place, value in places:
            if isinstance(value, str) and self._holds_token(value):
                node[place] = self.redact_text(value)
                changed = True
        return changed

    def _redact_members(self, node: dict[str, Any], telling: list[str]) -> bool:
        """Redact the members of `node` with these names, each of which means something."""
        changed = False
        for name in telling:
            meaning, value = self._meanings[name], node[name]
            if meaning is _Meaning.SECRET:
                if value not in _SAFE:
                    node[name] = REDACTED
                    changed = True
            elif type(value) in _CONTAINERS:
                changed |= self._redact_variables(value, wholly=meaning is _Meaning.VARIABLES)
        return changed

    def _redact_variables(self, variables: Any, *, wholly: bool) -> bool:
        """Redact each variable; `wholly` takes bare texts, which Buddy doesn't document here, for values as well."""
        changed = isinstance(variables, dict) and self._redact_variable(variables)
        places = variables.items() if isinstance(variables, dict) else enumerate(variables)
        for place, value in list(places):
            if isinstance(value, dict):
                changed |= self._redact_variable(value)
            elif wholly and not self._keep_values and isinstance(value, str) and value not in _SAFE:
                variables[place] = REDACTED
                changed = True
        return changed

    def _redact_variable(self, variable: dict[str, Any]) -> bool:
        value = variable.get("value")
        if value in _SAFE:
            return False
        if variable.get("encrypted") or (isinstance(value, str) and value.startswith(_CIPHERTEXT)):
            variable["value"] = ENCRYPTED
        elif not self._keep_values or not isinstance(value, str):
            variable["value"] = REDACTED
        else:
            return False
        return True

    def _holds_token(self, text: str) -> bool:
        return bool(self._token) and self._token in text


def _nodes(document: Any) -> Iterator[Any]:
    """Yield a JSON value and every object and list in it, those nearer the top first; each may be changed when it comes."""
    waiting = deque([document])
    while waiting:
        node = waiting.popleft()
        yield node
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting += [child for child in children if type(child) in _CONTAINERS and child]

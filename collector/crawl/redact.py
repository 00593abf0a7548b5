"""Takes the secrets out of a reply before anything remembers it.

The redaction list (design.md, section 5; buddy-api.md, 5.3): values of variables unless they are kept, and then only of
unencrypted ones; passwords and passphrases always; the token itself wherever it turns up. A redacted value leaves a mark
that still says which it was, so that nothing after the journal needs to know how the run was set.
"""

import re
from typing import Any

from collector.buddy.marks import ENCRYPTED, REDACTED, TOKEN

_ALWAYS = frozenset({"password", "passphrase"})
# What needs no redacting: nothing, and what has been redacted already.
_SAFE = (None, "", REDACTED, ENCRYPTED)
# Buddy's ciphertext, which comes back in place of an encrypted value (buddy-api.md, 5.3).
_CIPHERTEXT = "secure!"
# Bytes without any of these hold nothing to redact, which spares most replies the walk. A backslash may hide a letter of
# a name (\u0070assword) or of the token, so an escaped visible character sends the reply down the careful way.
_SUSPECT = re.compile(rb'ariables"|passw|passphr|\\u00|\\[/"\\]', re.IGNORECASE)


class Redactor:
    """Redacts decoded replies in place for one token and one `variable_values` setting."""

    def __init__(self, token: str, *, keep_values: bool) -> None:
        self._token = token
        self._token_bytes = token.encode()
        self._keep_values = keep_values

    def __repr__(self) -> str:
        """Show nothing: the token is inside."""
        return "Redactor()"

    def redact(self, body: bytes, document: Any) -> bool:
        """Take secrets out of `document`, decoded from `body`; True if anything was changed, so `body` must not be kept."""
        suspect = _SUSPECT.search(body) or (self._token_bytes and self._token_bytes in body)
        return bool(suspect) and self.redact_document(document)

    def redact_document(self, document: Any, *, strictly: bool = False) -> bool:
        """Take secrets out of a decoded JSON value in place, whatever its depth; True if anything was changed.

        `strictly` is for a document that isn't what was asked for: there, whatever is called `value` is taken for one.
        """
        changed = False
        waiting = [document]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                changed |= self._redact_object(node)
                if strictly and node.get("value") not in _SAFE:
                    node["value"] = REDACTED
                    changed = True
                waiting.extend(node.values())
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    if isinstance(value, str) and self._holds_token(value):
                        node[index] = self.redact_text(value)
                        changed = True
                waiting.extend(value for value in node if isinstance(value, dict | list))
        return changed

    def redact_text(self, text: str) -> str:
        """Return `text` without the token."""
        return text.replace(self._token, TOKEN) if self._token else text

    def _redact_object(self, node: dict[str, Any]) -> bool:
        changed = False
        for written, value in list(node.items()):
            name = self.redact_text(written)
            if name != written:
                node[name] = node.pop(written)
                changed = True
            if name.lower() in _ALWAYS and value not in _SAFE:
                node[name] = REDACTED
                changed = True
            elif name.lower().endswith("variables") and isinstance(value, list | dict):
                changed |= self._redact_variables(value, wholly=name.lower() == "variables")
            elif isinstance(value, str) and self._holds_token(value):
                node[name] = self.redact_text(value)
                changed = True
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

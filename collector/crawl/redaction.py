"""Removes the secrets from a reply before anything stores it.

The redaction list (design.md, section 5; buddy-api.md, 5.3):

* the members `value` and `defaults` of variables unless they are kept, and then only of unencrypted ones;
  `public_value` of encrypted ones;
* always the members whose name says password, passphrase, secret, token, credential or private, API or access key
  (`registry_password`, `secretKey`), but not those that only describe one (`token_type`, `secret_name`);
* always the members `log` and `logs`: the output of an executed action (buddy-executions.md, section 3);
* always the password in the user information of an address, in any text (buddy/userinfo.py);
* the token itself wherever it appears.

A placeholder replaces a redacted value and says which kind it was, so that nothing after the journal needs the
settings.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec

from collector.buddy.placeholders import ENCRYPTED, REDACTED, TOKEN
from collector.buddy.userinfo import may_hold_password, redact_passwords
from collector.crawl.classify import Failure
from collector.crawl.records import MAX_RAW_CHARACTERS

# What needs no redacting: nothing, and what has been redacted already.
_SAFE = (None, "", REDACTED, ENCRYPTED)
# Buddy's ciphertext, which comes back in place of an encrypted value (buddy-api.md, 5.3).
_CIPHERTEXT = "secure!"
# Members of a variable that hold its value, one that it may take, or half of it.
_VALUES = ("value", "defaults", "public_value")
# Names of secrets, in small letters and without what separates words.
_SECRET = re.compile(
    r"password|passwd|passphrase|passcode|pwd|secret|token|credential|privatekey|apikey|accesskey|authorization"
)
# `custom_repo_pass` is a password, `bypass` is not.
_PASS = re.compile(r"(?i:(?:^|[^a-z])pass)$|[a-z]Pass$")
# The last word of such a name where it only describes a secret.
_DESCRIPTION = re.compile(
    r"(?:[_\-. ]|(?<=[a-z])(?=[A-Z]))(?i:type|name|ids?|ur[il]|at|in|on|date|expires|expiry|count|length|policy|"
    r"scopes?|status|enabled|required|description|label|level|hint)$"
)
# What an action printed may hold any secret.
_OUTPUT = frozenset({"log", "logs"})
_CONTAINERS = frozenset({dict, list})


class _Meaning(Enum):
    """What a member's name says about its value."""

    SECRET = "always a secret"
    VARIABLES = "a list or an object of variables"
    ALSO_VARIABLES = "such a list by a longer name"


# Every reply looks up the same few names a hundred times.
@lru_cache(maxsize=4096)
def _meaning(name: str) -> _Meaning | None:
    small = name.replace(TOKEN, "").lower()
    if small.endswith("variables"):
        return _Meaning.VARIABLES if small == "variables" else _Meaning.ALSO_VARIABLES
    if small in _OUTPUT:
        return _Meaning.SECRET
    joined = re.sub(r"[_\-. ]", "", small)
    if (_SECRET.search(joined) and not _DESCRIPTION.search(name)) or _PASS.search(name):
        return _Meaning.SECRET
    return None


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
        """Redact `document`, decoded from `body`, in place; return whether it changed: then `body` must not be kept."""
        # A backslash may hide a letter of the token or of an address: the texts of such a body are examined one by one.
        texts = b"\\" in body or self._token_bytes in body or may_hold_password(body)
        return self._redact_nodes(document, texts=texts)

    def redact_document(self, document: Any, *, strictly: bool = False) -> bool:
        """Redact a decoded JSON value in place, whatever its depth; return whether it changed.

        `strictly` is for a document that isn't what was asked for: there, whatever is named like a variable's value is
        redacted.
        """
        return self._redact_nodes(document, texts=True, strictly=strictly)

    def _redact_nodes(self, document: Any, *, texts: bool, strictly: bool = False) -> bool:
        changed = False
        waiting = [document] if type(document) in _CONTAINERS else []
        # The list grows while it is iterated: every object and list in the document, those nearer the top first.
        for node in waiting:
            if texts:
                changed |= self._redact_texts(node)
            if type(node) is dict:
                if names := list(filter(_meaning, node)):
                    changed |= self._redact_members(node, names)
                for name in _VALUES if strictly else ():
                    if node.get(name) not in _SAFE:
                        node[name] = REDACTED
                        changed = True
                node = node.values()
            waiting += [child for child in node if child and type(child) in _CONTAINERS]
        return changed

    def redact_text(self, text: str) -> str:
        """Return `text` without the token and without passwords in addresses."""
        return redact_passwords(text.replace(self._token, TOKEN) if self._token else text)

    def redact_failure(self, failure: Failure) -> Failure:
        """Return a failure without secrets, and with the beginning of its document as text."""
        raw = None if failure.raw is None else self.redact_text(failure.raw)
        if failure.document is not None:
            self.redact_document(failure.document, strictly=True)
            raw = self.redact_text(msgspec.json.encode(failure.document).decode())[:MAX_RAW_CHARACTERS]
        return Failure(failure.kind, failure.http_status, self.redact_text(failure.message), raw)

    def _redact_texts(self, node: Any) -> bool:
        """Redact the names and texts that `node` itself holds."""
        changed = False
        if isinstance(node, dict):
            for name in list(node):
                if (redacted := self.redact_text(name)) != name:
                    node[redacted] = node.pop(name)
                    changed = True
        places = node.items() if isinstance(node, dict) else enumerate(node)
        for place, value in places:
            if isinstance(value, str) and (redacted := self.redact_text(value)) != value:
                node[place] = redacted
                changed = True
        return changed

    def _redact_members(self, node: dict[str, Any], names: list[str]) -> bool:
        """Redact the members of `node` with these names, each of which has a meaning."""
        changed = False
        for name in names:
            meaning, value = _meaning(name), node[name]
            if meaning is _Meaning.SECRET:
                if value not in _SAFE:
                    node[name] = REDACTED
                    changed = True
            elif type(value) in _CONTAINERS:
                changed |= self._redact_variables(value, entirely=meaning is _Meaning.VARIABLES)
        return changed

    def _redact_variables(self, variables: Any, *, entirely: bool) -> bool:
        """Redact each variable; `entirely` also redacts bare texts, which Buddy doesn't document here."""
        changed = isinstance(variables, dict) and self._redact_variable(variables)
        places = variables.items() if isinstance(variables, dict) else enumerate(variables)
        for place, value in list(places):
            if isinstance(value, dict):
                changed |= self._redact_variable(value)
            elif entirely and not self._keep_values and isinstance(value, str) and value not in _SAFE:
                variables[place] = REDACTED
                changed = True
        return changed

    def _redact_variable(self, variable: dict[str, Any]) -> bool:
        encrypted = variable.get("encrypted") or _is_ciphertext(variable.get("value"))
        changed = self._redact_value(variable, "value", encrypted=encrypted)
        if "defaults" in variable:
            changed |= self._redact_value(variable, "defaults", encrypted=encrypted)
        public = variable.get("public_value")
        if public is not None and public not in _SAFE and (encrypted or _is_ciphertext(public)):
            variable["public_value"] = ENCRYPTED
            changed = True
        return changed

    def _redact_value(self, variable: dict[str, Any], name: str, *, encrypted: bool) -> bool:
        value = variable.get(name)
        if value in _SAFE:
            return False
        if encrypted or _is_ciphertext(value):
            variable[name] = ENCRYPTED
        elif not self._keep_values or not isinstance(value, str):
            variable[name] = REDACTED
        else:
            return False
        return True


def _is_ciphertext(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_CIPHERTEXT)

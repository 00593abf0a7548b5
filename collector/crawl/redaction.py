"""Removes the secrets from a reply before anything stores it.

The redaction list (design.md, section 5; buddy-api.md, 5.3):

* the members `value` and `defaults` of variables unless they are kept, and then only of unencrypted ones;
  `public_value` of encrypted ones; the same in `passed_variables` and `outputted_variables` of executed actions;
* always the members whose name says password, passphrase, secret, token, credential or private, API or access key
  (`registry_password`, `secretKey`), but not those that only describe one (`token_type`, `secret_name`);
* always the members `log` and `logs`: the output of an executed action (buddy-executions.md, section 3);
* always the password in the user information of an address, in any text (buddy/userinfo.py);
* always the member `email` of the members of a workspace;
* the token itself wherever it appears.

A placeholder replaces a redacted value and says which kind it was, so that nothing after the journal needs the
settings.
"""

import re
from functools import lru_cache
from typing import Any, Literal

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
# Lists of variables, whose texts are values; what has a longer name may also be a list of names.
_OF_VARIABLES = frozenset({"variables", "passedvariables", "outputtedvariables"})
# What an action printed may hold any secret.
_OUTPUT = frozenset({"log", "logs"})
_CONTAINERS = frozenset({dict, list})


# Every reply looks up the same few names a hundred times.
@lru_cache(maxsize=4096)
def _meaning(name: str) -> Literal["secret", "variables", "also variables"] | None:
    """Return what a name says of its value: always a secret, variables, or variables by a longer name."""
    small = name.replace(TOKEN, "").lower()
    if small.endswith("variables"):
        return "variables" if small.replace("_", "") in _OF_VARIABLES else "also variables"
    if small in _OUTPUT:
        return "secret"
    joined = re.sub(r"[_\-. ]", "", small)
    return "secret" if (_SECRET.search(joined) and not _DESCRIPTION.search(name)) or _PASS.search(name) else None


class Redactor:
    """Redacts decoded replies in place for one token and one `variable_values` setting."""

    def __init__(self, token: str, *, keep_values: bool) -> None:
        self._token = token
        self._token_bytes = token.encode()
        self._keep_values = keep_values
        self._changed = False

    def redact(self, body: bytes, document: Any, *, emails: bool = False) -> bool:
        """Redact `document`, decoded from `body`, in place; return whether it changed: then `body` must not be kept.

        `emails` redacts addresses of members, too.
        """
        # A backslash may hide a letter of the token or of an address: the texts of such a body are examined one by one.
        texts = b"\\" in body or self._token_bytes in body or may_hold_password(body)
        return self.redact_document(document, texts=texts, emails=emails)

    def redact_document(
        self, document: Any, *, texts: bool = True, strictly: bool = False, emails: bool = False
    ) -> bool:
        """Redact a decoded JSON value in place, whatever its depth; return whether it changed.

        `texts` examines every text. `strictly` is for a document that isn't what was asked for: there, whatever is
        named like a variable's value is redacted.
        """
        self._changed = False
        names_of_values = (*(_VALUES if strictly else ()), *(("email",) if emails else ()))
        waiting = [document] if type(document) in _CONTAINERS else []
        # The list grows while it is iterated: every object and list in the document, those nearer the top first.
        for node in waiting:
            if texts:
                self._redact_texts(node)
            if type(node) is dict:
                for name in list(filter(_meaning, node)):
                    self._redact_member(node, name)
                for name in names_of_values:
                    self._replace(node, name, REDACTED)
                node = node.values()
            # A loop, because a comprehension costs a call for each of the many small nodes.
            for child in node:
                if child and type(child) in _CONTAINERS:
                    waiting.append(child)
        return self._changed

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

    def _replace(self, node: Any, place: Any, placeholder: str) -> None:
        """Replace a member or an element; what needs no redacting stays."""
        if (node.get(place) if isinstance(node, dict) else node[place]) not in _SAFE:
            node[place] = placeholder
            self._changed = True

    def _redact_texts(self, node: Any) -> None:
        """Redact the names and texts that `node` itself holds."""
        if isinstance(node, dict):
            for name in list(node):
                if (redacted := self.redact_text(name)) != name:
                    node[redacted] = node.pop(name)
                    self._changed = True
        for place, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, str) and (redacted := self.redact_text(value)) != value:
                node[place] = redacted
                self._changed = True

    def _redact_member(self, node: dict[str, Any], name: str) -> None:
        """Redact the member of `node` with a name that has a meaning."""
        meaning, value = _meaning(name), node[name]
        if meaning == "secret" or (meaning == "variables" and not self._keep_values and isinstance(value, str)):
            self._replace(node, name, REDACTED)
        elif type(value) in _CONTAINERS:
            if isinstance(value, dict):
                self._redact_variable(value)
            for place, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
                if isinstance(each, dict):
                    self._redact_variable(each)
                # Bare texts, which Buddy doesn't document here.
                elif meaning == "variables" and not self._keep_values and isinstance(each, str):
                    self._replace(value, place, REDACTED)

    def _redact_variable(self, variable: dict[str, Any]) -> None:
        encrypted = variable.get("encrypted") or _is_ciphertext(variable.get("value"))
        for name in ("value", "defaults"):
            value = variable.get(name)
            if value is None:
                continue
            if encrypted or _is_ciphertext(value):
                self._replace(variable, name, ENCRYPTED)
            elif not self._keep_values or not isinstance(value, str):
                self._replace(variable, name, REDACTED)
        if encrypted or _is_ciphertext(variable.get("public_value")):
            self._replace(variable, "public_value", ENCRYPTED)


def _is_ciphertext(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_CIPHERTEXT)

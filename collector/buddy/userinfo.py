"""Redacts passwords in the user information of addresses, wherever such an address stands in a text.

`https://bot:S3CRET@host`, `bot:S3CRET@host` and both in percent-encoding become `https://bot:[redacted]@host`: user and
host are kept. A pass goes over a text once, from one `@` to the next, so that its time is linear in the length.

What only looks like a password is kept: digests (`app:v1@sha256:…`), ports (`host:5000/app@…`), versions
(`npm:react@18`), times, mail addresses with a label (`mailto:…`), and passwords that are a variable (`$PASS`). In doubt
it is a password.
"""

import re

from collector.buddy.placeholders import REDACTED

_AT = r"(?:@|%(?:25)*40)"
_COLON = r"(?::|%(?:25)*3[Aa])"
_SLASHES = r"(?://|(?:%(?:25)*2[Ff]){2})"
# A percent sign that does not stand for one of the characters that separate.
_PERCENT = r"%(?!(?:25)*(?:3[Aa]|40|2[Ff]))"
_ATS = re.compile(_AT)
_USER = re.compile(
    rf"(?:(?P<slashes>{_SLASHES})(?P<user>(?:[^\s/?#:@<>\[\"%]|{_PERCENT})*)"
    # Without slashes a user is a word of its own: neither the end of a path nor a variable with a default value.
    rf"|(?<![\w.~+\-!*\\$%}}/\[])(?<!\$\{{)(?P<word>(?:[\w.~+\-!*\\$]|\$\{{\w+\}}|{_PERCENT})+))"
    rf"{_COLON}(?!{_SLASHES})"
)
_STOP = re.compile(r".*[\s<>]", re.DOTALL)
_PORT = re.compile(r"""(?:\d{1,5}|\$\w+|\$\{[^{}]*\})(?=[/?#"',;)\]}&|\\])""")
_NO_PASSWORD = re.compile(rf"|\$\w+|\$\{{\w+\}}|{re.escape(REDACTED)}")
_DIGEST = re.compile(
    rf"sha(?:256|384|512){_COLON}|[a-z0-9]{{1,32}}(?:[+._-][a-z0-9]{{1,32}}){{0,3}}{_COLON}[0-9a-fA-F]{{32}}"
)
_VERSION = re.compile(r"v?\d{1,9}(?:\.\d{1,9}){0,2}(?![\w.:%-])")
_HOST = re.compile(r"[\w\[$]")
_SURE_HOST = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]|localhost\b|\[|[\w-]{1,63}:\d")
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_LABELS = frozenset({"mailto", "email", "e-mail", "mail", "sip", "sips", "xmpp", "acct"})
# What may stand between two `@` of one password.
_REST_OF_PASSWORD = re.compile(r"[^\s/?#,;<>\"]*")
# Tokens of well-known services, which stand for user and password together.
_TOKEN_AS_USER = re.compile(rf"({_SLASHES})(?:gh[oprsu]_|github_pat_|glpat-|dckr_pat_)[\w-]+(?={_AT})", re.IGNORECASE)
_ENCODED_AT = re.compile(rb"%(?:25)*40")


def redact_passwords(text: str) -> str:
    """Return `text` with a placeholder for each password between a user and a host."""
    if "@" not in text and "40" not in text:
        return text
    # What one pass has replaced may let the next one find another address.
    while (changed := _pass(text)) != text:
        text = changed
    return text


def _pass(text: str) -> str:
    kept: list[str] = []
    done = reached = 0
    # Where the password begins that was found last and may still go on, else -1.
    begun = -1
    for at in _ATS.finditer(text):
        if begun >= 0 and _REST_OF_PASSWORD.fullmatch(text, reached, at.start()) and not _DIGEST.match(text, at.end()):
            done = at.start()
        elif (begun := _password_before(text, reached, at)) >= 0:
            kept += (text[done:begun], REDACTED)
            done = at.start()
        reached = at.end()
    changed = "".join(kept) + text[done:] if kept else text
    return _TOKEN_AS_USER.sub(rf"\1{REDACTED}", changed)


def may_hold_password(body: bytes) -> bool:
    """Return False only for JSON without backslashes in whose strings `redact_passwords` would change nothing."""
    if b"@" in body:
        before, *others = body.split(b"@")
        for after in others:
            # No string begins before the last quotation mark.
            string = before[before.rfind(b'"') + 1 :]
            # Only a token stands for user and password together, after slashes that need no scheme before them.
            if b"//" in string or ((b":" in string or b"%" in string) and not after.startswith(b"sha256:")):
                return True
            before = after
    return b"%" in body and _ENCODED_AT.search(body) is not None


def _password_before(text: str, reached: int, at: re.Match[str]) -> int:
    """Return where the password begins that ends at this `@`, else -1; `reached` is the end of the last `@`."""
    end, host = at.span()
    if _DIGEST.match(text, host):
        return -1
    stop = _STOP.match(text, reached, end)
    # Without slashes before it, `user:password@` needs a host after it, and no quotation mark or slash within.
    hostless = not _HOST.match(text, host) or _VERSION.match(text, host) is not None
    quote, slash = text.rfind('"', reached, end), text.rfind("/", reached, end)
    sure = _SURE_HOST.match(text, host) is not None
    for found in _USER.finditer(text, stop.end() if stop else reached, end):
        begin, user = found.end(), found["word"]
        if _PORT.match(text, begin):
            continue
        if user is not None:
            # `git@host:path/app@main` and the like: a slash is part of a password only where the rest is unambiguous.
            is_path = begin <= slash and ("." in user or not sure)
            if (
                hostless
                or begin <= quote
                or is_path
                or user.lower() in _LABELS
                or _TIME.fullmatch(text, found.start(), end)
            ):
                continue
        return -1 if _NO_PASSWORD.fullmatch(text, begin, end) else begin
    return -1

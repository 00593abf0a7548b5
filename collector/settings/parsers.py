"""One function per kind of setting: what somebody wrote goes in, the value comes out, or a SettingsError says
what to write.

`where` is the name by which the person knows the setting (`--reserve`, `BUDDY_REGION`, "`reserve` in
collector.toml"). A message quotes what was written only where it cannot be a secret: a URL may carry a
password, so it is never quoted whole.
"""

import difflib
import ipaddress
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from collector.errors import SettingsError
from collector.settings.secret import Secret

# API hosts of Buddy's own installations; Asia-Pacific is `AS` in newer SDKs and `AP` in older ones.
REGIONS: Final = {
    "us": "https://api.buddy.works",
    "eu": "https://api.eu.buddy.works",
    "as": "https://api.asia.buddy.works",
}
_REGION_ALIASES: Final = {"ap": "as"}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
MESSAGE_ENDINGS: Final = (".txt", ".md", ".json")
_UNIT_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
# What may stand in an Authorization header's credentials: RFC 6750 token68 characters and whatever else is
# visible ASCII.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_INSTALLATION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def nearest(written: str, known: Iterable[str]) -> str:
    """`Did you mean …? ` for a misspelt name, or nothing when no known name is near."""
    close = difflib.get_close_matches(written, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}? " if close else ""


def region(value: object, where: str) -> str:
    """`us`, `eu` or `as`, from any spelling that Buddy's own tools accept."""
    name = text(value, where).lower()
    name = _REGION_ALIASES.get(name, name)
    if name not in REGIONS:
        raise SettingsError(
            f"{where} is {shown(value)}, which is no region of Buddy.",
            "Write US, EU or AS (AP is accepted for AS); for a self-hosted Buddy set BUDDY_API_URL instead.",
        )
    return name


def text(value: object, where: str) -> str:
    """A non-blank piece of text, trimmed."""
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise SettingsError(f"{where} is {shown(value)}, where text is needed.", "Write a non-empty text there.")
    return value.strip()


def directory(value: object, where: str) -> str:
    """The path of a directory on this machine; object storage is not built yet, and a URL of it is no path."""
    written = text(value, where)
    if scheme := _SCHEME.match(written):
        # The rest of it may hold a password.
        raise SettingsError(
            f"{where} is a URL ({scheme[0]}/…), where the path of a local directory is needed.",
            "Object storage is not supported yet: name a directory on this machine or on a mount.",
        )
    return written


def require_openable(path: Path) -> None:
    """Raise SettingsError for the path of a lake at which duckdb opens no catalog: it reads `?` and `\\` its own way."""
    found = [character for character in "?\\" if character in str(path)]
    if found:
        raise SettingsError(
            f"The lake's path {shown(str(path))} holds {' and '.join(found)}, which DuckDB cannot open.",
            "Name a directory with --lake whose whole path is without question marks and backslashes.",
        )


def flag(value: object, where: str) -> bool:
    """A yes or a no."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise SettingsError(f"{where} is {shown(value)}, where a yes or a no is needed.", "Write true or false.")


def choice(value: object, where: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`, whatever its case."""
    word = text(value, where).lower()
    if word not in allowed:
        raise SettingsError(
            f"{where} is {shown(value)}, which it cannot be.",
            f"{nearest(word, allowed)}Write one of: {', '.join(allowed)}.",
        )
    return word


def number(value: object, where: str, *, least: float = 0) -> float:
    """A finite number not below `least`."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or found < least:
        raise SettingsError(
            f"{where} is {shown(value)}, which it cannot be.", f"Write a number that is {least:g} or more."
        )
    return found


def whole(value: object, where: str, *, least: int = 0) -> int:
    """A whole number not below `least`."""
    found = number(value, where, least=least)
    if found != int(found) or found > 2**31:
        raise SettingsError(
            f"{where} is {shown(value)}, which it cannot be.", f"Write a whole number that is {least} or more."
        )
    return int(found)


def duration(value: object, where: str) -> float:
    """Seconds, from `26h`, `90m`, `400d`, `45s` or a sum such as `1h30m`; above zero."""
    written = value.strip().lower().replace(" ", "") if isinstance(value, str) else ""
    parts = _DURATION.findall(written)
    seconds = float(sum(float(amount) * _UNIT_SECONDS[unit] for amount, unit in parts))
    if not parts or "".join(amount + unit for amount, unit in parts) != written or not 0 < seconds < 1e11:
        raise SettingsError(
            f"{where} is {shown(value)}, which is not a length of time.",
            "Write a number and its unit, such as 26h, 90m, 45s or 400d.",
        )
    return seconds


def days(value: object, where: str) -> int:
    """A number of whole days, from `400d` or another length of time that is so many days."""
    seconds = duration(value, where)
    if seconds % _UNIT_SECONDS["d"]:
        raise SettingsError(
            f"{where} is {shown(value)}, which is not a number of whole days.", "Write days, such as 400d."
        )
    return int(seconds // _UNIT_SECONDS["d"])


def message_file(value: object, where: str) -> str:
    """The name of a file whose ending says how the morning message is written into it."""
    name = text(value, where)
    if not name.endswith(MESSAGE_ENDINGS):
        raise SettingsError(
            f"{where} is {shown(value)}, whose ending says no format.",
            f"End it in one of {', '.join(MESSAGE_ENDINGS)}.",
        )
    return name


def notify_url(value: object, where: str) -> Secret:
    """An address to post to: https, or plain http to this machine.

    It is a secret, because whoever knows a chat's webhook can write there; no message quotes it.
    """
    url = text(value, where)
    parts = _split_url(url, where)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"{where} is plain http to {parts.hostname}, so the message would travel unencrypted.",
            "Use https; plain http is for addresses of this machine only.",
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise SettingsError(
            f"{where} holds a user name, a password or a '#'.", "Write the address as the chat gave it."
        )
    return Secret(url)


def globs(value: object, where: str) -> tuple[str, ...]:
    """Patterns for names, in the order written, each once; a leading `!` excludes.

    A text (as in an environment variable) is split at commas: Buddy's workspace and project identifiers hold
    none.
    """
    written = value.split(",") if isinstance(value, str) else value
    if not isinstance(written, (list, tuple)) or not all(isinstance(item, str) for item in written):
        raise SettingsError(
            f"{where} is {shown(value)}, where a list of names is needed.", 'Write ["name", "other-*"].'
        )
    found = tuple(dict.fromkeys(item.strip() for item in written if item.strip()))
    if any(not item.removeprefix("!").strip() for item in found):
        raise SettingsError(
            f"{where} holds a '!' with no name after it.", "Write the name to exclude right after the '!'."
        )
    return found


def token(value: str, where: str) -> str:
    """A token that fits in a header; its text is never quoted, right or wrong."""
    found = value.strip()
    if not _TOKEN.fullmatch(found):
        raise SettingsError(
            f"The token in {where} is blank, or holds spaces, line breaks or characters that no Buddy token has.",
            "Copy it again from Buddy: your profile, Security, Personal access tokens.",
        )
    return found


def installation_name(value: str, where: str) -> str:
    """A name that can stand in the `installation` column and be typed without quotes."""
    if not _INSTALLATION_NAME.fullmatch(value):
        raise SettingsError(
            f"{where} names an installation {shown(value)}.",
            "Use letters, digits, '.', '_' and '-', beginning with a letter or digit.",
        )
    return value


def api_url(value: object, where: str, *, allow_http: bool) -> str:
    """The base of every request, without a trailing slash; a base path such as `/api` is kept.

    Plain http is let through for loopback, or when the person said `allow_http`: a token would travel
    readable otherwise.
    """
    parts = _split_url(text(value, where), where)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise SettingsError(f"{where} holds a user name or password.", "Leave it out; the token goes into BUDDY_TOKEN.")
    if parts.query or parts.fragment or "?" in str(value) or "#" in str(value):
        raise SettingsError(
            f"{where} holds a '?' or a '#'.", "Write the base alone, such as https://buddy.example.com/api."
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname or "")):
        raise SettingsError(
            f"{where} is plain http to {parts.hostname}, so the token would travel unencrypted.",
            "Use https (with --ca-bundle for a private certificate), or say --allow-http if you accept that.",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _split_url(written: str, where: str) -> SplitResult:
    advice = "Write it whole, such as https://api.buddy.works, or https://HOST/api for a self-hosted Buddy."
    try:
        parts = urlsplit(written)
        parts.port  # noqa: B018  reading it is what makes urllib check the port
    except ValueError as why:
        raise SettingsError(f"{where} is not a URL.", advice) from why
    if parts.scheme not in {"https", "http"} or "://" not in written:
        raise SettingsError(f"{where} does not begin with https://.", advice)
    if not parts.hostname or any(char.isspace() or ord(char) < 32 for char in written):
        raise SettingsError(f"{where} names no host, or holds spaces.", advice)
    return parts


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, so that what is sent there never reaches a wire."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_of(url: str) -> str:
    """What an installation is called when nobody named it: its region, or the host of its URL (the port left
    out).
    """
    host = urlsplit(url).hostname or url
    return next((name for name, base in REGIONS.items() if urlsplit(base).hostname == host), host)


def shown(value: object) -> str:
    """What was written, quoted, short, and without control characters that could act on a terminal."""
    quoted = repr(value)
    return quoted if len(quoted) <= 60 else quoted[:57] + "…" + quoted[-1]

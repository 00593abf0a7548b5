"""Parsers of settings: each takes what somebody wrote, and returns the value or raises a SettingsError with advice.

`where` is the name by which the writer knows the setting: `--reserve`, `BUDDY_REGION`, "`reserve` in collector.toml". A
message quotes what was written only where it cannot be a secret.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from collector.errors import SettingsError
from collector.settings.escape import is_utf8, quote
from collector.settings.suggestions import did_you_mean

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_UNIT_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MESSAGE_ENDINGS: Final = (".txt", ".md", ".json")
FLAGS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


def _refused(value: object, where: str, why: str, advice: str) -> SettingsError:
    return SettingsError(f"{where} is {quote(value)}, {why}.", advice)


def text(value: object, where: str) -> str:
    """Return text that is not blank, without spaces around it."""
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise _refused(value, where, "but it must be text", "Write a text that is not empty.")
    return value.strip()


def path(value: object, where: str) -> Path:
    """Return the path of a file."""
    return Path(text(value, where))


def message_file(value: object, where: str) -> Path:
    """Return the path of a file whose ending names a format of the morning message."""
    if not (name := text(value, where)).endswith(_MESSAGE_ENDINGS):
        raise _refused(value, where, "whose ending names no format", f"Use one of {', '.join(_MESSAGE_ENDINGS)}.")
    return Path(name)


def require_openable(path: Path) -> None:
    """Raise SettingsError for the path of a lake that DuckDB cannot open, because it holds `?` or a backslash."""
    found = [character for character in "?\\" if character in str(path)]
    if found:
        raise SettingsError(
            f"The lake's path {quote(str(path))} holds {' and '.join(found)}, which DuckDB cannot open.",
            "Name a directory with --lake whose whole path is without question marks and backslashes.",
        )


def flag(value: object, where: str) -> bool:
    """Return true or false, from any usual word for yes and no."""
    word = str(value).strip().lower() if isinstance(value, (str, bool)) else ""
    if word not in FLAGS:
        raise _refused(value, where, "but it must be true or false", "Write true or false.")
    return FLAGS[word]


def one_of(*allowed: str) -> Callable[[object, str], Any]:
    """Return a parser of one of the `allowed` words, in upper or lower case."""

    def parse(value: object, where: str) -> str:
        if (word := text(value, where).lower()) not in allowed:
            advice = f"{did_you_mean(word, allowed)}Write one of: {', '.join(allowed)}."
            raise _refused(value, where, "which is not allowed", advice)
        return word

    return parse


def number(value: object, where: str) -> float:
    """Return a finite number that is not negative."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise _refused(value, where, "which is not allowed", "Write a number that is 0 or more.")
    return found


def whole(value: object, where: str, *, minimum: int = 0) -> int:
    """Return a whole number that is not below `minimum`."""
    found = number(value, where)
    if found != int(found) or not minimum <= found <= 2**31:
        raise _refused(value, where, "which is not allowed", f"Write a whole number that is {minimum} or more.")
    return int(found)


def duration(value: object, where: str) -> float:
    """Return seconds above zero, from `26h`, `90m`, `400d`, `45s` or a sum such as `1h30m`."""
    written = value.strip().lower().replace(" ", "") if isinstance(value, str) else ""
    parts = _DURATION.findall(written)
    seconds = float(sum(float(amount) * _UNIT_SECONDS[unit] for amount, unit in parts))
    if "".join(amount + unit for amount, unit in parts) != written or not 0 < seconds < 1e11:
        advice = "Write a number and its unit, such as 26h, 90m, 45s or 400d."
        raise _refused(value, where, "which is not a duration", advice)
    return seconds


def duration_or_off(value: object, where: str) -> float | None:
    """Return seconds above zero, or None for `off`."""
    if value is False or (isinstance(value, str) and value.strip().lower() == "off"):
        return None
    return duration(value, where)


def duration_or_zero(value: object, where: str) -> float:
    """Return seconds, from a duration or 0."""
    if not isinstance(value, bool) and str(value).strip() == "0":
        return 0.0
    return duration(value, where)


def days(value: object, where: str) -> int:
    """Return a number of days, from `400d` or another duration of whole days."""
    found = duration(value, where) / _UNIT_SECONDS["d"]
    if found != int(found):
        raise _refused(value, where, "which is not a number of whole days", "Write days, such as 400d.")
    return int(found)


def globs(value: object, where: str) -> tuple[str, ...]:
    """Return patterns for names, in the order written, each once; a leading `!` excludes.

    A text, as in an environment variable, is split at commas: identifiers of Buddy hold none.
    """
    written = value.split(",") if isinstance(value, str) else value
    if not isinstance(written, (list, tuple)) or not all(isinstance(item, str) for item in written):
        raise _refused(value, where, "but it must be a list of names", 'Write ["name", "other-*"].')
    for item in written:
        if not is_utf8(item):
            raise _refused(item, where, "which is not UTF-8", "Write the name in UTF-8.")
    found = tuple(dict.fromkeys(item.strip() for item in written if item.strip()))
    if any(not item.removeprefix("!").strip() for item in found):
        advice = "Write the name to exclude right after the '!'."
        raise SettingsError(f"{where} holds a '!' with no name after it.", advice)
    return found

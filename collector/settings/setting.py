"""The declaration of a setting: a field of a dataclass, made by `setting`."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Setting:
    """One setting: where it may be written, how it is parsed, and what it means."""

    key: str
    default: Any
    parse: Callable[[object, str], object]  # takes what was written and the name by which its writer knows it
    meaning: str
    variables: tuple[str, ...]  # in order of precedence
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    example: object = None  # for the template, where there is no default
    written: str | None = None  # the default as people write it, where its value is another

    @property
    def default_text(self) -> str:
        """The default as people read it; empty for none, an empty list and false."""
        if self.written is not None:
            return self.written
        if self.default is None or self.default is False or self.default == ():
            return ""
        return f"./{self.default}" if isinstance(self.default, Path) else str(self.default).removesuffix(".0")


def setting(
    default: _T, parse: Callable[[object, str], _T], meaning: str, metavar: str | None = None, **more: Any
) -> _T:
    """Declare a setting as the field of a dataclass.

    `more` may hold an `example`, `written`, and `key`, `flags` and `variables` where these do not follow from the name
    of the field.
    """
    return field(default=default, metadata={"parse": parse, "meaning": meaning, "metavar": metavar, **more})


def declared(section: type) -> dict[str, Setting]:
    """Return the settings that a dataclass declares, by the names of their fields."""
    found = {}
    for each in fields(section):
        if each.metadata:
            key = each.metadata.get("key", each.name)
            names = {"flags": (f"--{key.replace('_', '-')}",), "variables": (f"COLLECTOR_{key.upper()}",)}
            found[each.name] = Setting(**{"key": key, "default": each.default, **names, **each.metadata})
    return found

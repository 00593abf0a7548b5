"""A change of a promotion in words, instead of the values before and after it: `user 200: MANAGE to READ_ONLY`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

# What a row of a child table is called, by its columns, and which columns identify it within its action.
_CHILDREN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "permissions": ("{principal_type} {principal_id}", ("principal_type", "principal_id")),
    "variables": ("{key}", ("key",)),
    "trigger_conditions": ("condition {position}", ("position",)),
}
# The columns that say the most about a row that came, and those that say nothing.
_TELLING: Final = ("access_level", "trigger_condition", "type")
_SILENT: Final = ("position", "variable_id")
_WHOLE: Final = {"added": "new", "removed": "removed", "returned": "returned"}
_LONGEST: Final = 80  # of a value


def change_words(change: str, column: str | None, old: str | None, new: str | None) -> str:
    """Return in words what a row of `action_changes` says."""
    if column is None:
        return _WHOLE.get(change, change)
    before, after = _parsed(old), _parsed(new)
    if column in _CHILDREN and _is_rows(before) and _is_rows(after):
        return _children(column, before, after)
    if column == "extra" and {type(before), type(after)} <= {dict, type(None)}:
        return "; ".join(_fields(before or {}, after or {})) or "no field"
    return f"{column.replace('_', ' ')}: {_value(before, old)} to {_value(after, new)}"


def _children(column: str, before: list[Any], after: list[Any]) -> str:
    """Return which rows of a child table came, went, or differ in what."""
    pattern, key = _CHILDREN[column]

    def named(rows: list[Any]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            name = pattern.format_map({part: row.get(part) for part in key})
            again = sum(other.partition(" (")[0] == name for other in found)
            found[f"{name} ({again + 1})" if again else name] = row
        return found

    old, new = named(before), named(after)
    words = []
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            words.append(f"{name} removed")
        elif name not in old:
            telling = next((new[name][part] for part in _TELLING if new[name].get(part)), None)
            words.append(f"{name} added" + (f": {telling}" if telling else ""))
        elif old[name] != new[name]:
            fields = _fields(_without(old[name], key), _without(new[name], key))
            words.append(f"{name}: {', '.join(fields).removeprefix('access level ') or 'another place'}")
    return "; ".join(words) or "another order"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _without(row: Mapping[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (*key, *_SILENT)}


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the fields that differ, each with both values."""
    return [
        f"{name.replace('_', ' ')} {_value(before.get(name))} to {_value(after.get(name))}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _value(value: Any, text: str | None = None) -> str:
    if value is None and text is None:
        return "nothing"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        shown = ", ".join(value) or "nothing"
    elif isinstance(value, str):
        shown = value or "empty"
    else:
        shown = text if text is not None else msgspec.json.encode(value).decode()
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _parsed(text: str | None) -> Any:
    """Return the list or object that the text holds as JSON, otherwise the text itself."""
    if text is None or text[:1] not in "[{":
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text

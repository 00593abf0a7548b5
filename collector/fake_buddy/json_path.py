"""Point at places inside a reply: `actions[0].src.image`, `$.pipelines[*].id`, `variables[-1].value`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\*|-?\d+)\]")


def steps(json_path: str) -> list[str | int]:
    """Return the steps of a path; `[*]` is the step "*". ValueError where it is not a path."""
    rest = json_path.removeprefix("$")
    found: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise ValueError(f"not a JSON path: {json_path!r}")
        name, index = match.groups()
        found.append(name if name is not None else "*" if index == "*" else int(index))
        position = match.end()
    if not found:
        raise ValueError(f"a JSON path names a place: {json_path!r}")
    return found


def put(document: Any, json_path: str, value: Any) -> int:
    """Set a value at every place that a path names, in place, and return how many there were.

    A field that is not there is made; a list index that is not there is passed over.
    """
    *ways, last = steps(json_path)
    places = [document]
    for way in ways:
        places = [inner for place in places for inner in _inside(place, way)]
    return sum(_set(place, last, value) for place in places)


def _inside(place: Any, step: str | int) -> list[Any]:
    if step == "*":
        return list(place) if isinstance(place, list) else list(place.values()) if isinstance(place, dict) else []
    if isinstance(place, dict) and step in place:
        return [place[step]]
    if isinstance(place, list) and isinstance(step, int) and -len(place) <= step < len(place):
        return [place[step]]
    return []


def _set(place: Any, step: str | int, value: Any) -> int:
    if isinstance(place, dict) and isinstance(step, str) and step != "*":
        place[step] = value
        return 1
    if not isinstance(place, list):
        return 0
    if step == "*":
        place[:] = [value] * len(place)
        return len(place)
    if isinstance(step, int) and -len(place) <= step < len(place):
        place[step] = value
        return 1
    return 0

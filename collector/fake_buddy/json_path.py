"""Address values inside a reply: `actions[0].src.image`, `$.pipelines[*].id`, `variables[-1].value`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\*|-?\d+)\]")


def parse(json_path: str) -> list[str | int]:
    """Return the steps of a path; `[*]` is the step "*". ValueError if it is not a path."""
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
        raise ValueError(f"a JSON path must name a value: {json_path!r}")
    return found


def set_value(document: Any, json_path: str, value: Any) -> int:
    """Set a value in place, everywhere the path leads, and return how many values were set.

    A missing field is added; a missing list index is skipped.
    """
    *parents, last = parse(json_path)
    containers = [document]
    for step in parents:
        containers = [inner for container in containers for inner in _children(container, step)]
    return sum(_assign(container, last, value) for container in containers)


def _children(container: Any, step: str | int) -> list[Any]:
    if step == "*":
        return (
            list(container)
            if isinstance(container, list)
            else list(container.values())
            if isinstance(container, dict)
            else []
        )
    if isinstance(container, dict) and step in container:
        return [container[step]]
    if isinstance(container, list) and isinstance(step, int) and -len(container) <= step < len(container):
        return [container[step]]
    return []


def _assign(container: Any, step: str | int, value: Any) -> int:
    if isinstance(container, dict) and isinstance(step, str) and step != "*":
        container[step] = value
        return 1
    if not isinstance(container, list):
        return 0
    if step == "*":
        container[:] = [value] * len(container)
        return len(container)
    if isinstance(step, int) and -len(container) <= step < len(container):
        container[step] = value
        return 1
    return 0

"""Parameters whose values depend on the lake: whether a value matches anything in it, and which near values do.

The values are the rows of sql/values/NAME.sql. Parameters with a closed set declare it themselves (questions.py).
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from collector.query.questions import Question
from collector.settings.suggestions import nearest

# The file of sql/values for each parameter; a text in an image is looked for, all others must be equal.
SOURCES: Final[Mapping[str, str]] = {
    "environment": "environment",
    "image": "image",
    "project": "project",
    "installation": "installation",
    "from": "run",
    "to": "run",
}
_MAX_NEAR: Final = 3


def to_look_up(question: Question, given: Mapping[str, object], rows: int) -> dict[str, str]:
    """Return the given values that must be compared with the lake, by parameter.

    Rows show that a value matches something, but not for an environment: what is not known belongs to each.
    """
    open_texts = {
        p.name for p in question.parameters if p.type == "VARCHAR" and p.choices is None and p.name in SOURCES
    }
    return {
        name: value
        for name, value in given.items()
        if name in open_texts and isinstance(value, str) and value and (not rows or name == "environment")
    }


def mismatch(name: str, value: str, known: Collection[str]) -> str | None:
    """Return a sentence with near values if `value` matches none of the `known` ones, otherwise None."""
    if name == "image":
        if any(value.lower() in each.lower() for each in known):
            return None
        # The name alone is nearer than a reference with registry and tag.
        known = {part for each in known for part in (*re.split(r"[/:@]", each), each.rpartition(":")[0]) if part}
    elif value in known:
        return None
    by_lower_case = {each.lower(): each for each in sorted(known)}
    near = [by_lower_case[each] for each in nearest(value.lower(), by_lower_case, _MAX_NEAR)]
    if not near and name != "image":
        near = sorted(known)[:_MAX_NEAR]
        advice = f" There are {', '.join(near)}" + (" and others." if len(known) > _MAX_NEAR else ".") if near else ""
    else:
        advice = f" Near: {', '.join(near)}." if near else ""
    return f"{name}={value} matches nothing in this lake.{advice}"

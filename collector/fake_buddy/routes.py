"""Parse the raw target of a request. Nothing is normalised: `..` and `%2F` stay parts of names."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from .edits import EXECUTIONS, Path

LIST_KINDS = ("workspaces", "projects", "pipelines", "actions")
_SINGULAR = {
    "workspaces": "workspace",
    "projects": "project",
    "pipelines": "pipeline",
    "actions": "action",
    "executions": "execution",
}
NAME_KINDS = ("members", "groups")
KINDS = (*LIST_KINDS, "executions", *NAME_KINDS, *_SINGULAR.values(), "token")
_WORKSPACE = ("WORKSPACE",)
_PIPELINE = ("PIPELINE_READ", "EXECUTION_INFO")  # the name since August 2026, and the one before
# The scopes of which each kind requires one.
SCOPES = {
    **dict.fromkeys(("workspaces", "workspace", "projects", "project", *NAME_KINDS), _WORKSPACE),
    **dict.fromkeys(("pipelines", "pipeline", "actions", "action", "executions", "execution"), _PIPELINE),
}


@dataclass(frozen=True, slots=True)
class Route:
    """A parsed request: its kind, the path of the item (for a list: of the parent), and its query.

    The path of a list of executions ends with `"executions"`, and that of one execution with its id after it.
    """

    kind: str | None
    path: Path
    raw_path: str
    query: dict[str, str]


def parse_target(target: str, prefix: str) -> Route:
    """Return the route of a raw request target; its kind is None if the API has no such path."""
    raw_path, _, raw_query = target.partition("?")
    query = dict(parse_qsl(raw_query, keep_blank_values=True)) if raw_query else {}
    if not raw_path.startswith(f"{prefix}/"):
        return Route(None, (), raw_path, query)
    steps = raw_path[len(prefix) + 1 :].split("/")
    kind, path = _kind(steps)
    return Route(kind, path, raw_path, query)


def _kind(steps: list[str]) -> tuple[str | None, Path]:
    if steps == ["user", "token"]:
        return "token", ()
    if len(steps) == 3 and steps[0] == "workspaces" and steps[1] and steps[2] in NAME_KINDS:
        return steps[2], (unquote(steps[1]),)
    words, names = steps[0::2], [unquote(name) for name in steps[1::2]]
    known = (*LIST_KINDS[:3], EXECUTIONS) if words[3:] == [EXECUTIONS] else LIST_KINDS
    if not words or tuple(words) != known[: len(words)] or "" in names:
        return None, ()
    path: Path = tuple(names[:2])
    for number in names[2:]:
        if not (number.isascii() and number.isdigit()):
            return None, ()
        path = (*path, int(number))
    if known[-1] == EXECUTIONS:
        path = (*path[:3], EXECUTIONS, *path[3:])
    return (words[-1] if len(names) < len(words) else _SINGULAR[words[-1]]), path

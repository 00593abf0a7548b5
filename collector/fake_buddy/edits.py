"""Edits of the world by a test: an item is added, removed, changed or refused.

Edits are plain data, each with the nights on which it applies, so a scenario of many nights is a list of edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
REFUSALS = {
    "forbid": (403, "You don't have permission to access this resource."),
    "freeze": (403, "Only active workspace have access to API"),
    "disable": (400, "API is disabled in this workspace."),
    "disable_403": (403, "API is disabled in this workspace."),
}
KINDS = ("add", "remove", "change", "run", "recreate", "disorder", *REFUSALS)
# A step of the path to executions: `(workspace, project, pipeline_id, EXECUTIONS, execution_id)`.
EXECUTIONS = "executions"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of one path: `(workspace, project, pipeline_id, action_id)` or its beginning, or that of an execution.

    For `add` the path is the parent's and `value` the new item; for `change`, `value` holds the fields, and `...`
    removes a field. The paths of `run`, `recreate` and `disorder` are those of pipelines. The edit applies from
    `from_night` to the night before `until`.
    """

    do: str
    path: Path
    value: Mapping[str, Any] = field(default_factory=dict)
    from_night: int = 1
    until: int | None = None

    def __post_init__(self) -> None:
        if self.do not in KINDS:
            raise ValueError(f"an edit must be one of {', '.join(KINDS)}, not {self.do!r}")

    def applies(self, night: int) -> bool:
        """Return whether the edit applies on a night."""
        return self.from_night <= night and (self.until is None or night < self.until)


class Edits:
    """The edits that apply on one night, by path."""

    def __init__(self, edits: Iterable[Edit], night: int) -> None:
        self.added: dict[Path, list[Mapping[str, Any]]] = {}
        self.removed: set[Path] = set()
        self.changed: dict[Path, dict[str, Any]] = {}
        self.refused: dict[Path, tuple[int, str]] = {}
        self.touched_parents: set[Path] = set()
        # Executions that a test has added, with the night since which they exist.
        self.runs: dict[Path, list[tuple[int, Mapping[str, Any]]]] = {}
        self.recreated: dict[Path, int] = {}
        self.disordered: set[Path] = set()
        for edit in edits:
            if edit.applies(night):
                self._register(edit)

    def _register(self, edit: Edit) -> None:
        if edit.do == "add":
            self.added.setdefault(edit.path, []).append(edit.value)
            self.touched_parents.add(edit.path)
        elif edit.do == "remove":
            self.removed.add(edit.path)
            self.touched_parents.add(edit.path[:-1])
        elif edit.do == "change":
            self.changed.setdefault(edit.path, {}).update(edit.value)
            self.touched_parents.add(edit.path[:-1])
        elif edit.do == "run":
            self.runs.setdefault(edit.path, []).append((edit.from_night, edit.value))
        elif edit.do == "recreate":
            self.recreated[edit.path] = max(edit.from_night, self.recreated.get(edit.path, 0))
        elif edit.do == "disorder":
            self.disordered.add(edit.path)
        else:
            self.refused[edit.path] = REFUSALS[edit.do]

    def apply(self, path: Path, item: dict[str, Any], only: Iterable[str] | None = None) -> dict[str, Any]:
        """Return an item with the changes of its path; with `only`, just the changes of those fields."""
        fields = self.changed.get(path)
        if fields is None:
            return item
        wanted = fields if only is None else {name: fields[name] for name in fields if name in set(only)}
        merged = {**item, **wanted}
        return {name: value for name, value in merged.items() if value is not ...}

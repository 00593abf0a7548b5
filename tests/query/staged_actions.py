"""Rows of a run with promote-image actions, made by hand, and what is said of them from run to run."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.query.staged_runs import HOME, KEY, Row

PLACE = {**HOME, "project": "web"}


def action(number: int, *, pipeline: int = 1, **columns: Any) -> Row:
    """A promote-image action as it was fetched."""
    return {**PLACE, "pipeline_id": pipeline, "action_id": number, "name": f"Promote {number}", **columns}


def world(
    actions: Iterable[Row],
    *,
    listed: Mapping[int, str] | None = None,
    unread: Mapping[int, str] | None = None,
    pipelines: Mapping[int, str] | None = None,
    project: str | None = "complete",
    workspace: str | None = "complete",
    **children: Iterable[Row],
) -> dict[str, list[Row]]:
    """A run's rows: promote-image `actions`, and the coverage of everything above them (None: not in the list).

    `unread` are actions of pipeline 1 that were listed but not fetched, by coverage.
    """
    actions = list(actions)
    rows: dict[str, list[Row]] = {
        "workspaces": [{**HOME, "coverage": workspace}] if workspace else [],
        "projects": [{**PLACE, "coverage": project}] if project else [],
        "pipelines": [
            {**PLACE, "pipeline_id": number, "coverage": coverage}
            for number, coverage in ({1: "complete", 2: "complete"} if pipelines is None else pipelines).items()
        ],
        "actions": [
            *({**{n: row[n] for n in KEY}, "type": "PROMOTE_IMAGE", "coverage": "fetched"} for row in actions),
            *(
                {**PLACE, "pipeline_id": 1, "action_id": number, "coverage": coverage}
                for number, coverage in (unread or {}).items()
            ),
        ],
        "promote_image_actions": actions,
    }
    return rows | {name: list(given) for name, given in children.items()}


def said(changes: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Changes without their place: action, change, column, old, new."""
    names = ("action_id", "change", "column_name", "old_value", "new_value")
    return [tuple(row[name] for name in names) for row in changes]


def together(cases: Mapping[str, Mapping[str, Iterable[Row]]]) -> dict[str, list[Row]]:
    """One run of many cases that have nothing in common: each is a workspace, called as the case is."""
    run: dict[str, list[Row]] = {}
    for name, rows in cases.items():
        for table, given in rows.items():
            run.setdefault(table, []).extend({**row, "workspace": name} for row in given)
    return run


def by_case(cases: Iterable[str], rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each case, none where it has none."""
    found: dict[str, list[Row]] = {name: [] for name in cases}
    for row in rows:
        found[row["workspace"]].append(row)
    return found


def told(cases: Iterable[str], changes: Iterable[Row]) -> dict[str, list[tuple[Any, ...]]]:
    """What is said of each case."""
    return {name: said(found) for name, found in by_case(cases, changes).items()}

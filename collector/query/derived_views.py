"""Views that apply the select of an SQL file to other rows, so that its rules are written once.

The parsing of image references and the words of environments hold for what promotions are configured to do, and for
what executions really did. The file names the relation it reads after FROM; a derived view reads another one instead.
"""

from collections.abc import Mapping

from collector.query.sql_files import SqlFile

_SELECTED = "One row per row of selected_actions, end and tag that it names: the image reference, parsed."
_WORDED = "One row per row of selected_references: the image reference with the environment that it names."
_REFERENCES = "One row per row of executed_configurations, end and tag that it names: the image reference, parsed."
_EXECUTED = "One row per row of executed_references: the image reference with the environment that it names."
_WRITTEN = (
    "One row per row of promotion_writes of which the execution told a variable: only then the environment is not\n"
    "-- configured."
)
_TOLD = "One row per row of told_references: its columns, with the environment that its tag or image name names."
_PROMOTIONS = "One row per promote-image action of the selected run: what it takes from where to where.\n-- one run"
_MEMBERS = (
    "One row per changed field in the selected run, with the columns of changed_members: of a list one per member and\n"
    "-- property of it.\n-- one run"
)
_DIFFERENCES = (
    "One row per row of action_changes in the selected run: its columns, and the difference in words.\n-- one run"
)
_CHANGES_OF_RUN = "action_changes where run_id in (select run_id from selected_run)"
_NOW = (
    "-- One row per promote-image action of the last run: what it takes from where to where, with the columns of\n"
    "-- promotions, which holds all runs.\n"
)


def derived_views(sources: Mapping[str, SqlFile]) -> dict[str, SqlFile]:
    """Return the derived views; `sources` holds the files whose rules they apply."""
    references = sources["image_references"].sql
    # Everything before the last select: the rows so far, with every column of told_references.
    environments = sources["environments"].sql
    rows, _, _ = environments.rpartition("\nselect\n")
    promotions, writes = sources["promotions"].sql, sources["promotion_writes"].sql
    members, words = sources["changed_members"].sql, sources["changes_in_words"].sql
    texts = {
        "selected_promotions": _reading(_PROMOTIONS, promotions, promotion_steps="selected_steps"),
        "promotions_now": _NOW + "select * from selected_promotions",
        "selected_references": _reading(_SELECTED, references, promote_image_actions="selected_actions"),
        "selected_environments": _reading(_WORDED, environments, image_references="selected_references"),
        "executed_references": _reading(_REFERENCES, references, promote_image_actions="executed_configurations"),
        "executed_environments": _reading(_EXECUTED, environments, image_references="executed_references"),
        "told_references": _reading(_WRITTEN, writes, directed_elements="directed_elements where is_told"),
        "told_environments": _reading(_TOLD, rows, image_references="told_references") + "\nselect * from ordered",
        "selected_changed_members": _reading(_MEMBERS, members, action_changes=_CHANGES_OF_RUN),
        "selected_changes_in_words": _reading(
            _DIFFERENCES, words, action_changes=_CHANGES_OF_RUN, changed_members="selected_changed_members"
        ),
    }
    return {name: SqlFile(name, text) for name, text in texts.items()}


def _reading(grain: str, select: str, **others: str) -> str:
    """Return a select of this grain that reads `others`, given as relation → what is read; its header becomes notes."""
    for relation, other in others.items():
        assert select.count(f"from {relation})") == 1, f"{relation} is read in one place"
        select = select.replace(f"from {relation})", f"from {other})")
    return f"-- {grain}\n--\n{select}"

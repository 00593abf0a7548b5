"""What an answer says about promotions that an earlier run read, and views of a run without them.

A run with `--refresh` carries the rows of pipelines that are not due; each has the `fetched_at` of its own reading. To
restrict a question to what was read in the run, the tables below are read without the carried rows of that run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from collector.lake.database import Database
from collector.lake.shared_columns import KEY_NAMES
from collector.lake.sql_text import base_view, by_schema, identifier, literal
from collector.lake.tables import ACTIONS, PIPELINES, PROMOTE_IMAGE_ACTIONS, TABLES
from collector.settings.durations import duration_text

# Every table that has rows of a carried pipeline's actions.
CARRIED_TABLES = frozenset(
    {
        ACTIONS.name,
        PROMOTE_IMAGE_ACTIONS.name,
        *(table.name for table in TABLES.values() if table.parent == PROMOTE_IMAGE_ACTIONS.name),
    }
)
# The tables that say which rows were carried.
FRESH_TABLES = frozenset({ACTIONS.name, PIPELINES.name})
_ACTION = ", ".join(("run_id", "installation", *KEY_NAMES))
_PIPELINE = ", ".join(PIPELINES.key)
# Files, each with the fingerprint of its schema.
_Files = Sequence[tuple[Path, str]]


@dataclass(frozen=True)
class Carried:
    """The promotions of a run that an earlier run read: how many there are, and when the oldest was read."""

    promotions: int
    oldest_read_at: datetime

    def sentence(self, now: datetime, *, left_out: bool = False) -> str:
        """Return this as words; `left_out` where the answer is restricted to what the run read."""
        age = duration_text(max(0.0, (now - self.oldest_read_at).total_seconds()))
        what = f"{self.promotions:,} promotion{'s' * (self.promotions != 1)} carried"
        return f"{what}{' (left out)' * left_out}, oldest read {age} ago"


def carried_into(database: Database, run_id: str, actions: _Files, promotions: _Files) -> Carried | None:
    """Return what was carried into a run, whose rows are in these files; None when that is nothing."""
    listed = f"from ({base_view(ACTIONS, by_schema(ACTIONS, actions))}) where run_id = {literal(run_id)}"
    # Most runs carry nothing, and to find that out takes a quarter of the time of the rest.
    if not database.rows(f"select 1 as carried {listed} and coverage = 'carried' limit 1"):
        return None
    held = base_view(PROMOTE_IMAGE_ACTIONS, by_schema(PROMOTE_IMAGE_ACTIONS, promotions))
    each = carried_by_installation(database, f"from ({held}) where run_id = {literal(run_id)}", listed).values()
    if not each:
        return None
    return Carried(sum(one.promotions for one in each), min(one.oldest_read_at for one in each))


def carried_by_installation(
    database: Database, promotions: str = "from promote_image_actions", actions: str = "from actions"
) -> dict[str, Carried]:
    """Return what was carried into the run whose rows these selects give, by installation; none where nothing was."""
    found = database.rows(
        f"select installation, count(*) as promotions, min(fetched_at) as oldest_read_at from ({promotions}) "
        f"semi join (select * from ({actions}) where coverage = 'carried') using ({_ACTION}) group by installation"
    )
    return {
        row["installation"]: Carried(row["promotions"], row["oldest_read_at"].replace(tzinfo=UTC))
        for row in found
        if row["oldest_read_at"] is not None
    }


def without_carried(name: str, base: Callable[[str], str], run_id: str) -> str:
    """Return the select of a table without the rows carried into one run; `base` gives the select with them."""
    columns = ", ".join(map(identifier, TABLES[name].column_names))
    of_run = f"where run_id = {literal(run_id)} and coverage = 'carried'"
    rows = f"from ({base(name)}) anti join (from ({base(ACTIONS.name)}) {of_run}) using ({_ACTION})"
    if name == ACTIONS.name:  # a carried pipeline also has actions of other types
        rows += f" anti join (from ({base(PIPELINES.name)}) {of_run}) using ({_PIPELINE})"
    return f"select {columns} {rows}"

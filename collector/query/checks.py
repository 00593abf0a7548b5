"""Checks: sql/checks/NAME.sql, a select whose rows are faults.

The first line of a file says what must never be. A line `-- blocking` or `-- warning` says what a row means: a blocking
row stops the publish, a warning becomes a problem of the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from collector.errors import QueryError
from collector.lake.database import Database
from collector.query.sql_files import SqlFile, read_folder, sql_folder

# A fault is often the same in every row: so many rows of a check are shown, the others are counted.
MAX_ROWS = 100
_PLACE = ("installation", "workspace", "project", "pipeline_id", "action_id")


@dataclass(frozen=True)
class CheckRow:
    """One row that a check found and its place, whose parts are None where they do not apply."""

    check: str
    blocking: bool
    message: str
    installation: str | None = None
    workspace: str | None = None
    project: str | None = None
    pipeline_id: int | None = None
    action_id: int | None = None


class Check(SqlFile):
    """A file of sql/checks."""

    @property
    def blocking(self) -> bool:
        """Whether its rows stop the publish. Raises QueryError when the header does not say what a row means."""
        kinds = [line for line in self.header if line in ("blocking", "warning")]
        if len(kinds) != 1:
            raise QueryError(f"the check {self.name} must say either -- blocking or -- warning")
        return kinds[0] == "blocking"

    def offenders(self, database: Database) -> Iterator[CheckRow]:
        """Yield the first rows that the check finds, and one that counts the others."""
        counted = f"select *, count(*) over () as found from (\n{self.sql}\n) limit {MAX_ROWS}"
        found = 0
        for row in database.rows(counted):
            found = row["found"]
            place = {name: row.get(name) for name in _PLACE}
            yield CheckRow(self.name, self.blocking, str(row["message"]), **place)
        if found > MAX_ROWS:
            yield CheckRow(self.name, self.blocking, f"and {found - MAX_ROWS:,} more rows of the same kind")


def read_checks() -> list[Check]:
    """Return the checks of sql/checks, the blocking ones first."""
    checks = [Check(each.name, each.text) for each in read_folder(sql_folder() / "checks").values()]
    return sorted(checks, key=lambda check: not check.blocking)

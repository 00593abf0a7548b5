"""The checks of a run that is not published yet: the files of sql/checks, and what each finds.

The first line of a check says what must never be. Its line `-- blocking`, `-- warning` or `-- notice` says what a row
means: a blocking row stops the publish, the others become problems or notices of the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from collector.errors import QueryError
from collector.lake.database import Database
from collector.query.sql_files import SqlFile, read_folder, sql_folder

# A fault is often the same in every row: so many rows of a check are shown, the others are counted.
MAX_ROWS = 100


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
    severity: str = "problem"


class Check(SqlFile):
    """A file of sql/checks."""

    @property
    def meaning(self) -> str:
        """What a row means: blocking, warning or notice. Raises QueryError when the header does not say it."""
        kinds = [line for line in self.header if line in ("blocking", "warning", "notice")]
        if len(kinds) != 1:
            raise QueryError(f"the check {self.name} must say -- blocking, -- warning or -- notice")
        return kinds[0]

    @property
    def blocking(self) -> bool:
        """Whether its rows stop the publish. Raises QueryError when the header does not say what a row means."""
        return self.meaning == "blocking"

    def offenders(self, database: Database) -> Iterator[CheckRow]:
        """Yield the first rows that the check finds, message and place, and one that counts the others."""
        counted = f"select *, count(*) over () as found from (\n{self.sql}\n) limit {MAX_ROWS}"
        found, severity = 0, "notice" if self.meaning == "notice" else "problem"
        for row in database.rows(counted):
            found = row.pop("found")
            yield CheckRow(self.name, self.blocking, severity=severity, **row)
        if found > MAX_ROWS:
            more = f"and {found - MAX_ROWS:,} more rows of the same kind"
            yield CheckRow(self.name, self.blocking, more, severity=severity)


def read_checks() -> list[Check]:
    """Return the checks of sql/checks, the blocking ones first."""
    checks = [Check(each.name, each.text) for each in read_folder(sql_folder() / "checks").values()]
    return sorted(checks, key=lambda check: not check.blocking)

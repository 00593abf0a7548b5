"""What the page shows of one night, gathered by asking questions.

The first answer names the run, and every other question is asked about that run, so a night that is published
meanwhile cannot mix in. Nothing is computed here that a question could say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import pyarrow as pa

from collector.report.escape import address, shown
from collector.report.findings import FINDINGS, ReportFinding
from collector.report.rows import MOST_ROWS, ReportRows, Texts, rows_of

# More nights than these are not drawn, more steps than these not held: the page must open on a phone.
MOST_NIGHTS: Final = 400
MOST_STEPS: Final = 5_000
LEVELS: Final = ("workspace", "project", "pipeline", "action")
# A list says what it saw in these words; the first three leave nothing unknown, and gone is a fact.
COVERAGES: Final[Mapping[str, str]] = {
    "complete": "seen, with everything in it",
    "fetched": "promote-image actions, read",
    "not_promote_image": "actions of other types, listed",
    "gone": "listed, and gone when they were read",
    "forbidden": "the token may not read them",
    "failed": "could not be read",
    "quarantined": "Buddy's reply was not understood; nothing was guessed",
    "skipped": "filtered out, or the time was up",
}
WHOLE: Final = frozenset(("complete", "fetched", "not_promote_image", "gone"))
_CHANGES: Final = ("change", "column_name", "old_value", "new_value")
_MISSING: Final = ("level", "coverage", "why")
_PROBLEMS: Final = ("kind", "http_status", "message", "request_path", "attempts")
_NIGHT: Final = ("started_at", "status", "promotions", "failing", "added", "changed", "removed", "returned",
                 "not_seen", "problems", "requests")  # fmt: skip


class ReportRun(Protocol):
    """The run that an answer rests on."""

    @property
    def run_id(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...


class ReportAnswer(Protocol):
    """What a question gives."""

    @property
    def table(self) -> pa.Table: ...
    @property
    def run(self) -> ReportRun | None: ...


class Asked(Protocol):
    """An opened lake."""

    def ask(self, question: str, run: str = "latest", **parameters: object) -> ReportAnswer: ...


@dataclass(frozen=True)
class CoverageLine:
    """How many things of a level the night covered in one way."""

    level: str
    coverage: str
    things: int

    @property
    def meaning(self) -> str:
        """The coverage in words."""
        return COVERAGES.get(self.coverage, self.coverage)

    @property
    def whole(self) -> bool:
        """Whether nothing about them is unknown."""
        return self.coverage in WHOLE


@dataclass(frozen=True)
class Listed:
    """A finding and its rows."""

    finding: ReportFinding
    rows: ReportRows


@dataclass(frozen=True)
class ReportNight:
    """One night as the page tells it; `totals` is its row of the question nights."""

    run_id: str
    started_at: datetime
    totals: Mapping[str, Any]
    first: bool
    newest: bool
    seen: Sequence[CoverageLine]
    missing: ReportRows
    problems: ReportRows
    changes: ReportRows
    findings: Sequence[Listed]

    @property
    def complete(self) -> bool:
        """Whether the run itself calls this night complete."""
        return bool(self.totals["status"] == "complete")

    def of(self, severity: str) -> list[Listed]:
        """The findings of one severity that have rows."""
        return [each for each in self.findings if each.finding.severity == severity and each.rows.total]

    @property
    def clean(self) -> list[Listed]:
        """The findings without rows: what was looked for and not found."""
        return [each for each in self.findings if not each.rows.total]

    def count(self, question: str) -> int:
        """How many rows one finding has."""
        return next(each.rows.total for each in self.findings if each.finding.question == question)


@dataclass(frozen=True)
class Contents:
    """Everything that the page shows; no night in an empty lake."""

    made_at: datetime
    night: ReportNight | None
    nights: Sequence[Mapping[str, Any]] = ()
    steps: Sequence[Mapping[str, Any]] = ()
    steps_in_all: int = 0

    def document(self, most_rows: int = MOST_ROWS) -> dict[str, Any]:
        """The data that the scripts read, with so many rows of each table; every text is a number into `texts`."""
        texts = Texts()
        tables = {}
        if self.night:
            night = self.night
            tables = {"changes": night.changes, "missing": night.missing, "problems": night.problems}
            tables |= {each.finding.question: each.rows for each in night.findings}
        told: dict[str, Any] = {
            "made_at": _moment(self.made_at),
            "started_at": _moment(self.night.started_at) if self.night else None,
            "newest": self.night.newest if self.night else True,
            "tables": {name: rows.document(texts, most_rows) for name, rows in tables.items()},
            "steps": [_step(step, texts) for step in self.steps],
            "steps_in_all": self.steps_in_all,
            "nights": {
                "columns": list(_NIGHT),
                "rows": [
                    [_moment(night[n]) if n == "started_at" else night[n] for n in _NIGHT] for night in self.nights
                ],
            },
        }
        return told | {"texts": texts.all}


def gather(lake: Asked, run: str, made_at: datetime) -> Contents:
    """The contents of a report on the run `run` (an id, a date or latest), made at `made_at` (aware)."""
    totals = lake.ask("nights", run=run, nights=MOST_NIGHTS)
    if totals.run is None or not totals.table.num_rows:
        return Contents(made_at, None)
    run_id = totals.run.run_id
    nights: list[dict[str, Any]] = totals.table.to_pylist()
    newest = lake.ask("nights", nights=1).run if run != "latest" else totals.run
    promotions = lake.ask("promotion_map", run=run_id).table
    coverage = lake.ask("coverage_last_night", run=run_id).table
    several = len(set(coverage.column("installation").to_pylist())) > 1

    def listed(question: str, columns: Sequence[str], **parameters: object) -> ReportRows:
        table = lake.ask(question, run=run_id, **parameters).table
        return rows_of(question, table, columns, several_installations=several)

    night = ReportNight(
        run_id,
        totals.run.started_at,
        nights[-1],
        first=len(nights) == 1,
        newest=newest is not None and newest.run_id == run_id,
        seen=_seen(coverage),
        missing=rows_of("coverage_last_night", _gaps(coverage), _MISSING, several_installations=several),
        problems=listed("problems_last_night", _PROBLEMS),
        changes=listed("what_changed", _CHANGES),
        findings=[Listed(each, listed(each.question, each.columns, **each.parameters)) for each in FINDINGS],
    )
    steps = promotions.slice(0, MOST_STEPS).to_pylist()
    return Contents(made_at, night, nights, steps, promotions.num_rows)


def _seen(coverage: pa.Table) -> list[CoverageLine]:
    """The counts of the answer, over all installations, from the largest level to the smallest."""
    counts: dict[tuple[str, str], int] = {}
    for row in coverage.to_pylist():
        if row["workspace"] is None and row["level"] in LEVELS:
            key = (row["level"], row["coverage"] or "not known")
            counts[key] = counts.get(key, 0) + row["things"]
    order = [*COVERAGES, "not known"]
    return sorted(
        (CoverageLine(level, how, things) for (level, how), things in counts.items()),
        key=lambda seen: (LEVELS.index(seen.level), order.index(seen.coverage) if seen.coverage in order else 99),
    )  # fmt: skip


def _gaps(coverage: pa.Table) -> pa.Table:
    """The rows of single things that were not wholly seen, named like the rows of the other questions."""
    single = [row for row in coverage.to_pylist() if row["workspace"] is not None or row["level"] not in LEVELS]
    for row in single:
        row["action" if row["level"] == "action" else "pipeline"] = row["name"] if row["level"] in LEVELS[2:] else None
    schema = coverage.schema.append(pa.field("pipeline", pa.string())).append(pa.field("action", pa.string()))
    return pa.Table.from_pylist(single, schema=schema)


def _step(step: Mapping[str, Any], texts: Texts) -> list[Any]:
    """One step of the map; the scripts know the order."""
    where = " / ".join(shown(step[n]) for n in ("workspace", "project", "pipeline") if step[n])
    link = address(step["html_url"])
    words = (
        *(step["installation"], step["source"], step["source_environment"]),
        *(step["destination"], step["destination_environment"]),
        *(step["action"] or f"action {step['action_id']}", where, step["last_execution_status"]),
    )
    return [
        *(texts(None if word is None else shown(word)) for word in words),
        texts(link),
        int(bool(step["source_has_variable"])),
        int(bool(step["destination_has_variable"])),
        int(step["disabled"] is True),
    ]


def _moment(when: datetime) -> str:
    """ISO 8601 with Z; the lake's times are UTC and don't say so."""
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return aware.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"

"""What the page shows of one run, collected by asking questions.

The first answer names the run, and every other question is asked about that run, so that a run published meanwhile
cannot mix in. Nothing is computed here that a question could answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from collector.query.reader import LakeReader
from collector.report.escape import escaped, safe_link
from collector.report.findings import FINDINGS, ReportFinding
from collector.report.rows import MAX_ROWS, ReportRows, TextTable, report_rows

# More runs are not drawn, and more promotions are not in the map: the page must open on a phone.
MAX_RUNS: Final = 400
MAX_PROMOTIONS: Final = 5_000
LEVELS: Final = ("workspace", "project", "pipeline", "action")
COVERAGES: Final[Mapping[str, str]] = {
    "complete": "seen, with everything in it",
    "fetched": "promote-image actions, read",
    "not_promote_image": "actions of other types, listed",
    "gone": "listed, and gone when they were read",
    "forbidden": "the token may not read them",
    "failed": "could not be read",
    "quarantined": "Buddy's reply did not match its documentation; nothing was guessed",
    "skipped": "filtered out, or the time limit came first",
}
WITHOUT_GAP: Final = frozenset(("complete", "fetched", "not_promote_image", "gone"))
_RUN_COLUMNS: Final = ("started_at", "status", "promotions", "failing", "added", "changed", "removed", "returned",
                       "not_seen", "problems", "requests")  # fmt: skip


@dataclass(frozen=True)
class CoverageCount:
    """How many things of a level have one coverage."""

    level: str
    coverage: str
    things: int

    @property
    def meaning(self) -> str:
        """The coverage in words."""
        return COVERAGES.get(self.coverage, self.coverage)

    @property
    def is_gap(self) -> bool:
        """Whether something about these things is unknown."""
        return self.coverage not in WITHOUT_GAP


@dataclass(frozen=True)
class FindingRows:
    """A finding and its rows."""

    finding: ReportFinding
    rows: ReportRows


@dataclass(frozen=True)
class ReportRun:
    """One run as the page shows it; `totals` is its row of the question nights."""

    run_id: str
    started_at: datetime
    totals: Mapping[str, Any]
    first: bool
    newest: bool
    coverage: Sequence[CoverageCount]
    missing: ReportRows
    problems: ReportRows
    changes: ReportRows
    findings: Sequence[FindingRows]

    @property
    def complete(self) -> bool:
        """Whether the run's status is complete."""
        return bool(self.totals["status"] == "complete")

    def count(self, question: str) -> int:
        """Return the number of rows of one finding."""
        return next(each.rows.total for each in self.findings if each.finding.question == question)


@dataclass(frozen=True)
class ReportContents:
    """Everything that the page shows; `run` is None for an empty lake."""

    made_at: datetime
    run: ReportRun | None
    runs: Sequence[Mapping[str, Any]] = ()
    promotions: Sequence[Mapping[str, Any]] = ()
    promotions_total: int = 0

    def document(self, max_rows: int = MAX_ROWS) -> dict[str, Any]:
        """Return the data that the scripts read, with so many rows of each table; texts are indexes into `texts`."""
        texts = TextTable()
        tables = {}
        if run := self.run:
            tables = {"changes": run.changes, "missing": run.missing, "problems": run.problems}
            tables |= {each.finding.question: each.rows for each in run.findings}
        document: dict[str, Any] = {
            "made_at": utc_text(self.made_at),
            "started_at": utc_text(run.started_at) if run else None,
            "newest": run is None or run.newest,
            "tables": {name: rows.document(texts, max_rows) for name, rows in tables.items()},
            "promotions": [_promotion(promotion, texts) for promotion in self.promotions],
            "runs": {
                "columns": _RUN_COLUMNS,
                "rows": [[utc_text(row["started_at"]), *(row[n] for n in _RUN_COLUMNS[1:])] for row in self.runs],
            },
        }
        return document | {"texts": texts.texts}


def collect_contents(lake: LakeReader, run: str, made_at: datetime) -> ReportContents:
    """Return the contents of a report on `run` (an id, a date or latest) that is made at `made_at` (aware)."""
    totals = lake.ask("nights", run=run, nights=MAX_RUNS)
    if totals.run is None or not totals.table.num_rows:
        return ReportContents(made_at, None)
    run_id = totals.run.run_id
    newest = totals.run if run == "latest" else lake.ask("nights", nights=1).run
    promotions = lake.ask("promotion_map", run=run_id).table
    coverage = lake.ask("coverage_last_night", run=run_id).table
    several = len(coverage.column("installation").unique()) > 1

    def rows(question: str, *columns: str, table: pa.Table | None = None, **parameters: object) -> ReportRows:
        table = table or lake.ask(question, run=run_id, **parameters).table
        return report_rows(question, table, columns, several_installations=several)

    runs: list[dict[str, Any]] = totals.table.to_pylist()
    report_run = ReportRun(
        run_id,
        totals.run.started_at,
        runs[-1],
        first=len(runs) == 1,
        newest=newest is not None and newest.run_id == run_id,
        coverage=_coverage_counts(coverage),
        missing=rows("coverage_last_night", "level", "coverage", "why", table=_single_things(coverage)),
        problems=rows("problems_last_night", "kind", "http_status", "message", "request_path", "attempts"),
        changes=rows("what_changed", "change", "column_name", "old_value", "new_value"),
        findings=[FindingRows(each, rows(each.question, *each.columns, **each.parameters)) for each in FINDINGS],
    )
    shown = promotions.slice(0, MAX_PROMOTIONS).to_pylist()
    return ReportContents(made_at, report_run, runs, shown, promotions.num_rows)


def _is_count(row: Mapping[str, Any]) -> bool:
    """Whether a row of coverage_last_night counts things; the others are single things that were not seen."""
    return row["workspace"] is None and row["level"] in LEVELS


def _coverage_counts(coverage: pa.Table) -> list[CoverageCount]:
    """Return the counts of coverage_last_night over all installations, from the largest level to the smallest."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in filter(_is_count, coverage.to_pylist()):
        counts[row["level"], row["coverage"] or "not known"] += row["things"]
    order = [*COVERAGES, "not known"]
    return sorted(
        (CoverageCount(level, how, things) for (level, how), things in counts.items()),
        key=lambda count: (LEVELS.index(count.level), order.index(count.coverage) if count.coverage in order else 99),
    )


def _single_things(coverage: pa.Table) -> pa.Table:
    """Return the rows of coverage_last_night that are single things, with columns named as in the other questions."""
    things = [row for row in coverage.to_pylist() if not _is_count(row)]
    for row in things:
        row |= {level: row["name"] if row["level"] == level else None for level in ("pipeline", "action")}
    schema = coverage.schema.append(pa.field("pipeline", pa.string())).append(pa.field("action", pa.string()))
    return pa.Table.from_pylist(things, schema=schema)


def _promotion(row: Mapping[str, Any], texts: TextTable) -> list[Any]:
    """Return one promotion of the map; scripts/graph.js knows the order."""
    path = " / ".join(escaped(row[level]) for level in LEVELS[:3] if row[level])
    columns = (
        *("installation", "source", "source_environment", "destination", "destination_environment"),
        *("action", "last_execution_status"),
    )
    shown = [None if row[name] is None else escaped(row[name]) for name in columns]
    shown[5] = shown[5] or f"action {row['action_id']}"
    flags = (row["source_has_variable"], row["destination_has_variable"], row["disabled"])
    return [*map(texts.index, (*shown, path, safe_link(row["html_url"]))), *(int(flag is True) for flag in flags)]


def utc_text(moment: datetime) -> str:
    """Return ISO 8601 with Z. The lake's times are UTC without a time zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

"""What the page shows of one run, collected by asking questions.

All questions are asked together, about the same run, so that a run published meanwhile cannot mix in. Nothing is
computed here that a question could answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from collector.lake.manifest import RunEntry
from collector.lake.shared_columns import COVERAGE_OUTCOMES
from collector.query.reader import LakeReader
from collector.report.findings import FINDINGS
from collector.report.releases import ReportReleases, report_releases, timeline_begin
from collector.report.rows import LEVELS, MAX_ROWS, ReportRows, escaped, indexed, report_rows, row_location

# More runs are not drawn, and more promotions are not in the map: the page must open on a phone.
MAX_RUNS: Final = 400
MAX_PROMOTIONS: Final = 5_000
COVERAGES: Final[Mapping[str, str]] = {
    "complete": "seen, with everything in it",
    "fetched": "promote-image actions, read",
    "carried": "read by an earlier run, and not older than --refresh allows",
    "not_promote_image": "actions of other types, listed",
    "gone": "listed, and gone when they were read",
    "forbidden": "the token may not read them",
    "failed": "could not be read",
    "quarantined": "Buddy's reply did not match its documentation; nothing was guessed",
    "skipped": "filtered out, or the time limit came first",
}
WITHOUT_GAP: Final = frozenset(coverage for coverage, outcome in COVERAGE_OUTCOMES.items() if outcome == "seen")
_RUN_COLUMNS: Final = ("started_at", "status", "promotions", "failing", "added", "changed", "removed", "returned",
                       "not_seen", "problems", "requests")  # fmt: skip
_PROBLEM_COLUMNS: Final = ("kind", "http_status", "message", "request_path", "attempts")
_END_COLUMNS: Final = ("installation", "source", "source_environment", "destination", "destination_environment")


@dataclass(frozen=True)
class ReportContents:
    """Everything that the page shows; `runs` are rows of the question nights, the last of which is the report's `run`.

    `tables` holds the rows of each finding by its question, and those of changes, missing, problems and notices;
    `coverage` how many things of each level have which coverage.
    """

    made_at: datetime
    newest: bool = True
    runs: Sequence[Mapping[str, Any]] = ()
    coverage: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: Mapping[str, ReportRows] = field(default_factory=dict)
    releases: ReportReleases | None = None
    promotions: Sequence[Mapping[str, Any]] = ()
    promotions_total: int = 0

    @property
    def run(self) -> Mapping[str, Any] | None:
        """The totals of the run, None for an empty lake."""
        return self.runs[-1] if self.runs else None

    def document(self, max_rows: int = MAX_ROWS) -> dict[str, Any]:
        """Return the data that the scripts read, with so many rows of each table; texts are indexes into `texts`."""
        texts: dict[str, int] = {}
        tables = {
            name: {
                **vars(table),
                "rows": [indexed((*(where or ()), *cells), texts) for where, cells in table.rows[:max_rows]],
            }
            for name, table in self._all_tables().items()
        }
        return {
            "made_at": utc_text(self.made_at),
            "started_at": utc_text(self.run["started_at"]) if self.run else None,
            "newest": self.newest,
            "tables": tables,
            "releases": self.releases.document(texts, 3 * max_rows) if self.releases else None,
            "promotions": [indexed(_promotion(promotion), texts) for promotion in self.promotions],
            "runs": {
                "columns": _RUN_COLUMNS,
                "rows": [[utc_text(row["started_at"]), *(row[n] for n in _RUN_COLUMNS[1:])] for row in self.runs],
            },
            "texts": list(texts),  # the last member, when all texts are known
        }

    def _all_tables(self) -> dict[str, ReportRows]:
        releases = self.releases
        return {**({"night": releases.night, "in_production": releases.production} if releases else {}), **self.tables}


def collect_contents(lake: LakeReader, run: str, made_at: datetime) -> ReportContents:
    """Return the contents of a report on `run` (an id, a date or latest) that is made at `made_at` (aware)."""
    selected = lake.run(run)
    if selected is None:
        return ReportContents(made_at)
    newest = selected if run == "latest" else lake.run()
    answers = _answers(lake, selected)
    runs = answers["nights"].to_pylist()
    promotions, coverage = answers["promotion_map"], answers["coverage_last_night"]
    levels = LEVELS if len(coverage.column("installation").unique()) > 1 else LEVELS[1:]
    return ReportContents(
        made_at,
        newest=newest is not None and newest.run_id == selected.run_id,
        runs=runs,
        coverage=_coverage_counts(coverage),
        tables=_tables(answers, levels),
        releases=report_releases(answers, runs, levels),
        promotions=promotions.slice(0, MAX_PROMOTIONS).to_pylist(),
        promotions_total=promotions.num_rows,
    )


def _answers(lake: LakeReader, run: RunEntry) -> dict[str, pa.Table]:
    """Return the rows of each question about one run; those about releases are of the timeline."""
    begin = timeline_begin(run.started_at.replace(tzinfo=None))
    asked: dict[str, Mapping[str, Any]] = {
        "nights": {"nights": MAX_RUNS},
        "promotion_map": {},
        "coverage_last_night": {},
        "what_changed": {},
        "problems_last_night": {},
        "in_production": {},
        "releases": {"since": begin, "environment": ""},
        **{
            question: {**finding.parameters, **({"since": begin} if finding.recent else {})}
            for question, finding in FINDINGS.items()
        },
    }
    return {question: answer.table for question, answer in lake.ask_all(asked, run=run.run_id).items()}


def _tables(answers: Mapping[str, pa.Table], levels: Sequence[str]) -> dict[str, ReportRows]:
    def rows(question: str, columns: Sequence[str]) -> ReportRows:
        return report_rows(question, answers[question], columns, levels)

    # Counts come before things, and problems before notices. A filter by Arrow's functions would import pandas.
    coverage, problems = answers["coverage_last_night"], answers["problems_last_night"]
    counts = sum(map(_is_count, coverage.select(["level", "workspace"]).to_pylist()))
    severe = problems["severity"].to_pylist().count("problem")
    return {
        "changes": rows("what_changed", ("change", "column_name", "difference")),
        "missing": report_rows("coverage_last_night", coverage.slice(counts), ("level", "coverage", "why"), levels),
        "problems": report_rows("problems_last_night", problems.slice(0, severe), _PROBLEM_COLUMNS, levels),
        **{question: rows(question, finding.columns) for question, finding in FINDINGS.items()},
        "notices": report_rows("problems_last_night", problems.slice(severe), ("message",), levels),
    }


def _is_count(row: Mapping[str, Any]) -> bool:
    """Return whether a row of coverage_last_night counts the things of a level, instead of naming one."""
    return row["workspace"] is None and row["level"] != "installation"


def _coverage_counts(coverage: pa.Table) -> dict[str, dict[str, int]]:
    """Return the counts of coverage_last_night over all installations, in the order of LEVELS and COVERAGES."""
    counts: dict[str, Counter[str]] = {level: Counter() for level in LEVELS[1:]}
    for row in coverage.to_pylist():
        if row["workspace"] is None and row["level"] in counts:
            counts[row["level"]][row["coverage"] or "not known"] += row["things"]
    return {
        level: {how: found[how] for how in sorted(found, key=[*COVERAGES, *found].index)}
        for level, found in counts.items()
    }


def _promotion(row: Mapping[str, Any]) -> list[str | int | None]:
    """Return one promotion of the map; scripts/graph.js knows the order."""
    ends = [row[name] and escaped(row[name]) for name in _END_COLUMNS]
    where = row_location(row, LEVELS[1:])
    status = row["last_execution_status"] and escaped(row["last_execution_status"])
    flags = (row["source_has_variable"], row["destination_has_variable"], row["disabled"])
    return [*ends, where.name, status, where.path, where.link, *(int(flag is True) for flag in flags)]


def utc_text(moment: datetime) -> str:
    """Return ISO 8601 with Z. The lake's times are UTC without a time zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

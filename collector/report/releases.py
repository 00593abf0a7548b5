"""Releases of the report: last night's, those of the last weeks for the timeline, and what is not known.

The rows are answers of `releases`, `failed_releases`, `rollbacks` and `in_production` about the report's run.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from collector.report.rows import MAX_ROWS, REVISION_LENGTH, ReportRows, escaped, indexed, report_rows, safe_link

DAYS: Final = 30  # of the timeline, and of findings about releases
MAX_MARKS: Final = 3 * MAX_ROWS  # in the timeline: a page must open on a phone
NIGHT_COLUMNS: Final = ("released_at", "environment", "destination", "revision", "released_by", "approved_by")
PRODUCTION_COLUMNS: Final = ("destination", "finding", "revision", "since", "released_by", "approved_by", "certain")
# How well the executions that write a production destination are known, by executions_coverage.
GAPS: Final[Mapping[str, str]] = {
    "not_asked": "executions were not collected (--executions off)",
    "forbidden": "the token may not read the executions",
    "failed": "the executions could not be read",
    "skipped": "the executions were not reached in time",
    "carried": "the executions are as an earlier run read them (--refresh)",
    "gone": "no promotion writes it any more, or its pipeline was gone",
}
_KEY: Final = ("installation", "workspace", "project", "pipeline_id", "execution_id", "action_id")


@dataclass(frozen=True)
class ReportReleases:
    """What was released: `night` since the run before, at `previous`; `marks` of the timeline from `begin` to `end`.

    `known_from` is the moment from which every execution of the known destinations was read, None if there is none;
    `gaps` counts the production destinations of which not all is known, by coverage.
    """

    begin: dt.datetime
    end: dt.datetime
    previous: dt.datetime | None
    night: ReportRows
    production: ReportRows
    known_from: dt.datetime | None
    gaps: Mapping[str, int]
    marks: Sequence[Sequence[Any]]
    marks_total: int

    def document(self, texts: dict[str, int], max_marks: int) -> dict[str, Any]:
        """Return the data of the timeline with its newest marks; scripts/timeline.js knows the order of a mark."""
        return {
            "begin": _seconds(self.begin),
            "end": _seconds(self.end),
            "total": self.marks_total,
            "marks": [indexed(mark, texts) for mark in self.marks[:max_marks]],
        }


def report_releases(
    answers: Mapping[str, pa.Table], runs: Sequence[Mapping[str, Any]], levels: Sequence[str]
) -> ReportReleases:
    """Return the releases as of the last of `runs`; `answers` are the questions' rows since its `timeline_begin`."""
    end, previous = runs[-1]["started_at"], runs[-2]["started_at"] if len(runs) > 1 else None
    released, production = answers["releases"], answers["in_production"]
    since = previous or end - dt.timedelta(days=1)
    # The newest come first. A filter by Arrow's functions would import pandas.
    night = released.slice(0, sum(moment >= since for moment in released["released_at"].to_pylist()))
    coverages = Counter(production.column("executions_coverage").to_pylist())
    moments = [moment for moment in production.column("known_from").to_pylist() if moment is not None]
    rolled_back = {_key(row) for row in answers["rollbacks"].select(_KEY).to_pylist()}
    marks = [_mark(row, "rollback" if _key(row) in rolled_back else "release") for row in _newest(released)]
    marks += [_mark(row, "failure") for row in _newest(answers["failed_releases"]) if row["image"] is not None]
    marks.sort(key=lambda mark: mark[0], reverse=True)
    return ReportReleases(
        begin=timeline_begin(end),
        end=end,
        previous=previous,
        night=report_rows("releases", night, NIGHT_COLUMNS, levels),
        production=report_rows("in_production", production, PRODUCTION_COLUMNS, levels, unnamed="no known release"),
        known_from=max(moments, default=None),
        gaps={coverage: coverages[coverage] for coverage in GAPS if coverages[coverage]},
        marks=marks[:MAX_MARKS],
        marks_total=released.num_rows + answers["failed_releases"].num_rows,
    )


def timeline_begin(end: dt.datetime) -> dt.datetime:
    """Return the moment from which releases are asked for, for a run that began at `end`."""
    return end - dt.timedelta(days=DAYS)


def _newest(table: pa.Table) -> list[dict[str, Any]]:
    return list(table.slice(0, MAX_MARKS).to_pylist())


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEY)


def _mark(row: Mapping[str, Any], kind: str) -> list[Any]:
    """Return one mark: when, kind, image, environment, destination, revision, three texts, link, known from."""
    names = ("image", "environment", "destination", "revision")
    image, environment, destination, revision = (row[name] and escaped(row[name]) for name in names)
    people = (row.get("released_by") or row.get("started_by"), row.get("approved_by"), row.get("error_message"))
    when, known = row.get("released_at") or row["failed_at"], row.get("known_from")
    return [
        _seconds(when), kind, image, environment, destination, revision and revision[:REVISION_LENGTH],
        *(text and escaped(text) for text in people), safe_link(row["html_url"]), known and _seconds(known),
    ]  # fmt: skip


def _seconds(moment: dt.datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return int(aware.timestamp())

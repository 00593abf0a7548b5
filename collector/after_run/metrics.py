"""Metrics of the last run in Prometheus' text format, for the node exporter's textfile collector.

They are also written when nothing was published, and keep the time of the last success: an alert on the age of
`collector_last_success_timestamp_seconds` needs nothing else. The one home of prometheus_client.
"""

import re
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from collector.after_run.run_result import NOT_PUBLISHED, RunResult
from collector.lake.tables import PROBLEM_KINDS
from collector.run.summary import RunSummary

_STATUSES = ("complete", "partial", NOT_PUBLISHED)
_SUCCESS = "collector_last_success_timestamp_seconds"
_OLD_SUCCESS = re.compile(rf"^{_SUCCESS} (\d+(?:\.\d+)?(?:e\+?\d+)?)$", re.MULTILINE)


def metrics_text(
    result: RunResult,
    old_text: str = "",
    releases: Mapping[str, int] | None = None,
    unguarded: Mapping[str, int] | None = None,
) -> str:
    """Return the content of the metrics file. `old_text` is its content so far, used where the lake cannot be read.

    `releases` counts the releases that the run read by environment; `unguarded` the promotions of the
    question unguarded_production by certainty. None: they are not known.
    """
    registry = CollectorRegistry()
    newest = result.newest
    runs = reversed(result.manifest.runs if result.manifest else [])
    complete = next((run for run in runs if run.status == "complete"), None)
    old = _OLD_SUCCESS.search(old_text)
    success = newest.finished_at.timestamp() if newest else float(old[1]) if old else None
    success_complete = complete.finished_at.timestamp() if complete else None
    ended = result.ended_at.timestamp()
    for name, meaning, value in (
        (_SUCCESS, "When the newest published run was published", success),
        ("collector_last_complete_timestamp_seconds", "When the newest complete run was published", success_complete),
        ("collector_last_run_timestamp_seconds", "When the last run ended, published or not", ended),
        ("collector_last_run_duration_seconds", "How long the last run took", ended - result.began_at.timestamp()),
        ("collector_last_run_exit_code", "Exit code of the last run", result.exit_code),
        ("collector_lake_bytes", "Bytes of the lake's live files", result.lake_bytes),
    ):
        if value is not None:
            Gauge(name, f"{meaning}.", registry=registry).set(value)
    statuses = {status: status == result.status for status in _STATUSES}
    _add(registry, "status", "collector_last_run_status", "1 for how the last run ended", statuses)
    if result.summary is not None:
        _add_summary(registry, result.summary)
        if releases is not None:
            _add(registry, "environment", "collector_releases", "Releases that the last run read", releases)
        if unguarded is not None:
            meaning = "Promotions that reach production without a guard"
            _add(registry, "certainty", "collector_unguarded_promotions", meaning, unguarded)
    return generate_latest(registry).decode()


def _add_summary(registry: CollectorRegistry, summary: RunSummary) -> None:
    _add(registry, "table", "collector_rows", "Rows of the last run", summary.rows)
    problems = {kind: summary.problems.get(kind, 0) for kind in PROBLEM_KINDS}
    _add(registry, "kind", "collector_problems", "Problems of the last run, without notices", problems)
    meaning = "Things seen in the last run by what became of them."
    coverage = Gauge("collector_coverage", meaning, ("level", "coverage"), registry=registry)
    for level, counts in summary.coverage.items():
        for how, count in counts.items():
            coverage.labels(level, how).set(count)
    promotions = {kind: count for kind, count in summary.changes.items() if kind != "changed_fields"}
    _add(registry, "change", "collector_changes", "Promotions that changed in the last run", promotions)
    notices = Gauge("collector_notices", "Rows of the last run in problems that are notices.", registry=registry)
    notices.set(summary.notices)
    for name, meaning, field in (
        ("collector_executions", "Executions that the last run read", "executions"),
        ("collector_requests", "HTTP requests sent, retries and refusals included", "requests"),
        ("collector_retries", "Requests sent again after a failure", "retries"),
        ("collector_refusals", "Requests refused for the rate limit", "refusals"),
        ("collector_waiting_seconds", "Seconds that the rate limit was waited for", "paused_seconds"),
        ("collector_carried", "Promote-image actions that an earlier run read", "carried"),
    ):
        values = {part.installation: getattr(part, field) for part in summary.installations}
        _add(registry, "installation", name, meaning, values)
    ages = {
        part.installation: (summary.started_at - part.oldest_read_at).total_seconds() if part.oldest_read_at else 0.0
        for part in summary.installations
    }
    meaning = "Age of the oldest carried promote-image action when the run began, 0 when none was carried"
    _add(registry, "installation", "collector_carried_age_seconds", meaning, ages)
    complete = {part.installation: part.status == "complete" for part in summary.installations}
    meaning = "Whether everything selected of the installation was seen"
    _add(registry, "installation", "collector_installation_complete", meaning, complete)


def _add(registry: CollectorRegistry, label: str, name: str, meaning: str, values: Mapping[str, float]) -> None:
    gauge = Gauge(name, f"{meaning}.", (label,), registry=registry)
    for of_label, value in values.items():
        gauge.labels(of_label).set(value)

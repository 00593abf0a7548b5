"""Metrics of the last run in Prometheus' text format, for the node exporter's textfile collector.

They are also written when nothing was published, and keep the time of the last success: an alert on the age of
`collector_last_success_timestamp_seconds` needs nothing else. The one home of prometheus_client.
"""

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from collector.after_run.run_result import NOT_PUBLISHED, RunResult
from collector.lake.tables import PROBLEM_KINDS
from collector.run.finalize import RunSummary

_STATUSES = ("complete", "partial", NOT_PUBLISHED)
_SUCCESS = "collector_last_success_timestamp_seconds"
_OLD_SUCCESS = re.compile(rf"^{_SUCCESS} (\S+)$", re.MULTILINE)
# A metric: its name, help and label names, and a value for each combination of labels.
Metric = tuple[str, str, tuple[str, ...], dict[tuple[str, ...], float]]


def metrics_text(result: RunResult, old_text: str = "") -> str:
    """Return the content of the metrics file. `old_text` is its content so far, used where the lake cannot be read."""
    registry = CollectorRegistry()
    for name, meaning, labels, values in (*_of_result(result, old_text), *_of_summary(result.summary)):
        if values:
            gauge = Gauge(name, f"{meaning}.", labels, registry=registry)
            for of_labels, value in values.items():
                (gauge.labels(*of_labels) if labels else gauge).set(value)
    return generate_latest(registry).decode()


def _of_result(result: RunResult, old_text: str) -> Iterator[Metric]:
    newest, complete = result.newest, result.newest_complete
    success = newest.finished_at.timestamp() if newest else _old_success(old_text)
    yield _one(_SUCCESS, "When the newest published night was published", success)
    yield _one(
        "collector_last_complete_timestamp_seconds",
        "When the newest complete night was published",
        complete.finished_at.timestamp() if complete else None,
    )
    ended = result.ended_at
    yield _one("collector_last_run_timestamp_seconds", "When the last night ended, published or not", ended.timestamp())
    duration_s = (ended - result.began_at).total_seconds()
    yield _one("collector_last_run_duration_seconds", "How long the last night took", duration_s)
    yield _one("collector_last_run_exit_code", "Exit code of the last night", result.exit_code)
    statuses = {status: float(status == result.status) for status in _STATUSES}
    yield _by("status", "collector_last_run_status", "1 for how the last night ended", statuses)
    yield _one("collector_lake_bytes", "Bytes of the lake's live files", result.lake_bytes)


def _of_summary(summary: RunSummary | None) -> Iterator[Metric]:
    if summary is None:
        return
    yield _by("table", "collector_rows", "Rows of the last night", summary.rows)
    problems = {kind: summary.problems.get(kind, 0) for kind in PROBLEM_KINDS}
    yield _by("kind", "collector_problems", "Problems of the last night", problems)
    coverage: dict[tuple[str, ...], float] = {
        (level, how): float(n) for level, counts in summary.coverage.items() for how, n in counts.items()
    }
    meaning = "Things seen in the last night by what became of them"
    yield "collector_coverage", meaning, ("level", "coverage"), coverage
    yield _by("change", "collector_changes", "Rows of action_changes", summary.changes)
    for name, meaning, field in (
        ("collector_requests", "HTTP requests sent, retries and refusals included", "requests"),
        ("collector_retries", "Requests sent again after a failure", "retries"),
        ("collector_refusals", "Requests refused for the rate limit", "refusals"),
        ("collector_waiting_seconds", "Seconds that the rate limit was waited for", "paused_seconds"),
    ):
        yield _by("installation", name, meaning, {p.installation: getattr(p, field) for p in summary.installations})
    complete = {part.installation: float(part.status == "complete") for part in summary.installations}
    meaning = "Whether everything selected of the installation was seen"
    yield _by("installation", "collector_installation_complete", meaning, complete)


def _one(name: str, meaning: str, value: float | None) -> Metric:
    return name, meaning, (), {} if value is None else {(): value}


def _by(label: str, name: str, meaning: str, values: Mapping[str, float]) -> Metric:
    return name, meaning, (label,), {(of_label,): value for of_label, value in values.items()}


def _old_success(old_text: str) -> float | None:
    found = _OLD_SUCCESS.search(old_text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None

"""Metrics of the last night in Prometheus' text format, for the node exporter's textfile collector.

A night that published nothing still says so, and still says when the last one succeeded: an alert on the age of
`collector_last_success_timestamp_seconds` needs nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from collector.after_run.output_file import read_regular
from collector.after_run.run_result import NOT_PUBLISHED, RunResult
from collector.lake.tables import PROBLEM_KINDS

_STATUSES = ("complete", "partial", NOT_PUBLISHED)
_SUCCESS = "collector_last_success_timestamp_seconds"
_OLD_SUCCESS = re.compile(rf"^{_SUCCESS} (\S+)$", re.MULTILINE)
Samples = Iterable[tuple[Mapping[str, str], float]]


def text(ending: RunResult, before: str = "") -> str:
    """Return the metrics; `before` is the file's old content, for the last success where the lake can't be read."""
    newest, complete = ending.newest, ending.newest_complete
    success = newest.finished_at.timestamp() if newest else _earlier(before)
    lines = [
        *_gauge(_SUCCESS, "When the newest published night was published", _one(success)),
        *_gauge("collector_last_complete_timestamp_seconds", "When the newest complete night was published",
                _one(complete.finished_at.timestamp() if complete else None)),
        *_gauge("collector_last_run_timestamp_seconds", "When the last night ended, published or not",
                _one(ending.ended_at.timestamp())),
        *_gauge("collector_last_run_duration_seconds", "How long the last night took",
                _one((ending.ended_at - ending.began_at).total_seconds())),
        *_gauge("collector_last_run_exit_code", "Exit code of the last night", _one(ending.exit_code)),
        *_gauge("collector_last_run_status", "1 for how the last night ended",
                [({"status": status}, float(status == ending.status)) for status in _STATUSES]),
        *_gauge("collector_lake_bytes", "Bytes of the lake's live files", _one(ending.lake_bytes)),
        *_of_summary(ending),
    ]  # fmt: skip
    return "".join(line + "\n" for line in lines)


def write(path: Path, ending: RunResult) -> str:
    """Return the new content of the metrics file at `path`."""
    return text(ending, read_regular(path))


def _of_summary(ending: RunResult) -> Iterable[str]:
    summary = ending.summary
    if summary is None:
        return
    yield from _gauge("collector_rows", "Rows of the last night", [({"table": t}, n) for t, n in summary.rows.items()])
    yield from _gauge(
        "collector_problems", "Problems of the last night",
        [({"kind": kind}, summary.problems.get(kind, 0)) for kind in PROBLEM_KINDS],
    )  # fmt: skip
    yield from _gauge(
        "collector_coverage", "Things seen in the last night by what became of them",
        [({"level": level, "coverage": name}, n) for level, by in summary.coverage.items() for name, n in by.items()],
    )  # fmt: skip
    yield from _gauge(
        "collector_changes",
        "Rows of action_changes",
        [({"change": change}, n) for change, n in summary.changes.items()],
    )
    parts = summary.installations
    for name, meaning in (
        ("requests", "HTTP requests sent, retries and refusals included"),
        ("retries", "Requests sent again after a failure"),
        ("refusals", "Requests refused for the rate limit"),
    ):
        samples = [({"installation": part.installation}, getattr(part, name)) for part in parts]
        yield from _gauge(f"collector_{name}", meaning, samples)
    yield from _gauge(
        "collector_waiting_seconds", "Seconds that the rate limit was waited for",
        [({"installation": part.installation}, part.paused_seconds) for part in parts],
    )  # fmt: skip
    yield from _gauge(
        "collector_installation_complete", "Whether everything selected of the installation was seen",
        [({"installation": part.installation}, float(part.status == "complete")) for part in parts],
    )  # fmt: skip


def _one(value: float | None) -> Samples:
    return [] if value is None else [({}, value)]


def _gauge(name: str, meaning: str, samples: Samples) -> Iterable[str]:
    lines = [f"{name}{_labels(labels)} {float(value)!r}" for labels, value in samples]
    return [f"# HELP {name} {meaning}.", f"# TYPE {name} gauge", *lines] if lines else []


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _earlier(before: str) -> float | None:
    found = _OLD_SUCCESS.search(before)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None

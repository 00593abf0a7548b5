"""What a person or a log sees of a run: a live display on a terminal, otherwise log lines.

The display draws the run's snapshot four times a second, in its own thread; the log gets a progress line each minute.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from collector.buddy.requests import NAME_KINDS
from collector.crawl.fetch_result import RateLimitMet, RetryScheduled
from collector.crawl.journal import Abandoned
from collector.preflight.forecast import ForecastReady, Waiting
from collector.run import progress as events
from collector.run.summary import RunSummary
from collector.settings.durations import duration_text
from collector.settings.escape import escape

_HEARTBEAT_S: Final = 60.0
_REDRAWS_PER_S: Final = 4
_RATE_REDRAWS: Final = 40  # the redraws over which a speed is measured
_ROUND: Final = "installation requests round=number failed_with=failures pause_s=wait_s"
_FAILURE: Final = "kind=failure.kind http_status=failure.http_status why=failure.message"
_SUMMARY: Final = (
    "status exit_code changed problems notices requests refusals run_id paused_seconds carried oldest_read_at"
)
_REDUCED: Final = "open_files installations concurrency in_turns"
_REFUSAL: Final = "path=request.target wait_s http_status=status why=message"
# The level, text and fields of the log line of an event; a field may have another name than its attribute. Nothing of a
# reply's body is among them.
_LOG_LINES: Final[Mapping[type, tuple[str, str, str]]] = {
    events.RunBegan: ("info", "started", "started_at replies_replayed"),
    Abandoned: ("warning", "earlier run abandoned", "why abandoned_run_id=run_id"),
    events.ConcurrencyReduced: ("info", "fewer requests at once than set, by the limit on open files", _REDUCED),
    events.Draining: ("warning", "stopping after the requests in flight", "why"),
    events.LimitReached: ("warning", "limit reached", "installation reached"),
    events.InstallationSkipped: ("warning", "installation skipped", "installation why"),
    events.SecondRound: ("warning", "retrying failed requests after a pause", _ROUND),
    events.CrawlEnded: ("info", "crawl finished, checking and publishing", "replies"),
    ForecastReady: ("info", "forecast", "installation ends_at=forecast.ends_at says=forecast.sentence"),
    Waiting: ("info", "waiting", "installation why until"),
    RetryScheduled: ("info", "retrying", f"path=request.target {_FAILURE} attempt wait_s"),
    RateLimitMet: ("info", "rate limit reached, all requests pause", _REFUSAL),
    RunSummary: ("info", "published", _SUMMARY),
}
_HEARTBEAT: Final = (
    "installation=name requests=stats.cost.requests waiting_for=pace.why until=pace.paused_until "
    "budget_left=pace.remaining resets_at=pace.reset_at"
)
_KINDS: Final = {  # of requests, as people call what they ask for
    "workspaces": "workspace lists",
    "projects": "project lists",
    "pipelines": "pipeline lists",
    "actions": "action lists",
    "action": "promote-image actions",
    "members": "member lists",
    "groups": "group lists",
    "executions": "execution lists",
    "execution": "executions",
}


class ProgressObserver:
    """An observer of a run that logs its events, and reads its snapshot for the display and the heartbeat."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._snapshot: Callable[[], events.RunSnapshot] = lambda: events.RunSnapshot("", "starting", ())
        self._forecasts: dict[str, str] = {}
        # By installation: the time, the requests and the items done of each redraw.
        self._counts: defaultdict[str, deque[tuple[float, int, int]]] = defaultdict(lambda: deque(maxlen=_RATE_REDRAWS))

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        """Keep the run whose snapshot is shown."""
        self._snapshot = snapshot

    def event(self, event: object) -> None:
        """Log an event."""
        level, text, fields = log_line(event)
        if isinstance(event, events.RunBegan):
            structlog.contextvars.bind_contextvars(run_id=event.run_id)
        if isinstance(event, ForecastReady):
            self._forecasts[event.installation] = event.forecast.sentence
        getattr(self._log, level)(text, **fields)

    def heartbeat(self) -> None:
        """Log the progress of each installation, and what it waits for."""
        snapshot = self._snapshot()
        for installation in snapshot.installations:
            self._log.info(
                "progress",
                run_id=snapshot.run_id,  # the heartbeat's thread does not have the run's log context
                stage=snapshot.stage,
                done=sum(installation.stats.done.values()),
                found=sum(installation.stats.found.values()),
                carried=_carried(installation),
                **_fields(installation, _HEARTBEAT),
            )

    def display(self) -> Group:
        """Return the display: what was found and done per installation, the speed, the budget, the time left."""
        snapshot = self._snapshot()
        parts: list[Any] = [Text(f"{snapshot.run_id}  {snapshot.stage}".strip(), style="bold")]
        for installation in snapshot.installations:
            parts += [_counts_table(installation), Text(self._speed(installation), style="dim")]
            if installation.name in self._forecasts:
                parts.append(Text(self._forecasts[installation.name], style="dim"))
        return Group(*parts)

    def _speed(self, installation: events.InstallationProgress) -> str:
        now, done = time.monotonic(), sum(installation.stats.done.values())
        requests, counts = installation.stats.cost.requests, self._counts[installation.name]
        counts.append((now, requests, done))
        since, requests_then, done_then = counts[0]
        seconds = max(now - since, 1e-3)
        parts = [f"{(requests - requests_then) / seconds:.1f} requests/s"]
        pace = installation.pace
        if pace.remaining is not None:
            parts.append(f"budget {pace.remaining:,} left{_until(pace.reset_at)}")
        if pace.why:
            parts.append(pace.why + _until(pace.paused_until))
        if carried := _carried(installation):
            parts.append(f"{carried:,} pipelines carried")
        items_per_s, left = (done - done_then) / seconds, sum(installation.stats.found.values()) - done
        if items_per_s > 0 and left > 0:
            parts.append(f"about {duration_text(left / items_per_s)} for what has been found so far")
        return " · ".join(parts)


@contextmanager
def observing(*, live: bool) -> Iterator[ProgressObserver]:
    """Give an observer for one run, with the display when `live`, else with a heartbeat."""
    observer = ProgressObserver()
    structlog.contextvars.clear_contextvars()
    if live:
        console = Console(stderr=True)
        with Live(console=console, get_renderable=observer.display, refresh_per_second=_REDRAWS_PER_S, transient=True):
            yield observer
        return
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_HEARTBEAT_S):
            observer.heartbeat()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield observer
    finally:
        ended.set()
        thread.join()


def log_line(event: object) -> tuple[str, str, dict[str, object]]:
    """Return the level, text and fields of the log line of an event."""
    level, text, names = _LOG_LINES.get(type(event), ("debug", type(event).__name__, ""))
    fields = _fields(event, names)
    match event:
        case events.RunBegan() if event.resumed_count:
            text = "resumed"
        case ForecastReady(forecast=forecast) if forecast.late or forecast.ends_at is None:
            level = "warning"
        case RunSummary():
            level = "info" if event.exit_code == 0 else "warning"
            fields["promote_image_actions"] = event.rows.get("promote_image_actions", 0)
            fields["executions"] = event.rows.get("executions", 0)
            fields["seconds"] = round((event.finished_at - event.started_at).total_seconds(), 1)
    return level, text, fields


def _fields(source: object, names: str) -> dict[str, object]:
    """Return attributes of `source` as fields of a log line: `attribute`, or `field=attribute`."""
    fields: dict[str, object] = {}
    for name in names.split():
        field, _, attribute = name.partition("=")
        value = attrgetter(attribute or field)(source)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        elif isinstance(value, float):
            value = round(value, 2)
        fields[field] = None if value == "" else value
    return fields


def _counts_table(installation: events.InstallationProgress) -> Table:
    counts = (Column("done", justify="right"), Column("found", justify="right"))
    table = Table(Column(Text(escape(installation.name))), *counts, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for kind, name in _KINDS.items():
        done, found = installation.stats.done.get(kind, 0), installation.stats.found.get(kind, 0)
        if found or kind not in NAME_KINDS:
            table.add_row(name, f"{done:,}", f"{found:,}")
    return table


def _carried(installation: events.InstallationProgress) -> int:
    """Return how many pipelines are not asked, because their rows are carried from an earlier run."""
    return installation.stats.coverage.get(("pipelines", "carried"), 0)


def _until(when: datetime | None) -> str:
    return f" until {when:%H:%M:%S} UTC" if when else ""

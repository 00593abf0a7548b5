"""What a person or a log sees of a run: a live display on a terminal, otherwise log lines.

The display draws the run's snapshot four times a second, in its own thread; the log gets a progress line each minute.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from collector.cli.output import duration_text
from collector.crawl.fetch_result import RateLimitMet, RetryScheduled
from collector.crawl.journal import Abandoned
from collector.preflight.forecast_observer import ForecastReady, Waiting
from collector.run import progress as events
from collector.settings.escape import escape

_HEARTBEAT_S: Final = 60.0
_REDRAWS_PER_S: Final = 4
_RATE_WINDOW_S: Final = 10.0
_KINDS: Final = {
    "workspaces": "workspace lists",
    "projects": "project lists",
    "pipelines": "pipeline lists",
    "actions": "action lists",
    "action": "promote-image actions",
}


class ProgressObserver:
    """An observer of a run that logs its events, and reads its snapshot for the display and the heartbeat."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._snapshot: Callable[[], events.RunSnapshot] | None = None
        self._forecasts: dict[str, str] = {}
        self._counts: dict[str, list[tuple[float, int, int]]] = {}  # time, requests and items done, by installation

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
        if self._snapshot is None:
            return
        snapshot = self._snapshot()
        for installation in snapshot.installations:
            self._log.info(
                "progress",
                run_id=snapshot.run_id,  # the heartbeat's thread does not have the run's log context
                stage=snapshot.stage,
                installation=installation.name,
                done=sum(installation.done.values()),
                found=sum(installation.found.values()),
                requests=installation.requests,
                waiting_for=installation.pace.why or None,
                **_fields(installation.pace, until="paused_until", budget_left="remaining", resets_at="reset_at"),
            )

    def display(self) -> Group:
        """Return the display: what was found and done per installation, the speed, the budget, the time left."""
        if self._snapshot is None:
            return Group(Text("starting"))
        snapshot = self._snapshot()
        parts: list[Any] = [Text(f"{snapshot.run_id}  {snapshot.stage}", style="bold")]
        for installation in snapshot.installations:
            parts += [_counts_table(installation), Text(self._speed(installation), style="dim")]
            if installation.name in self._forecasts:
                parts.append(Text(self._forecasts[installation.name], style="dim"))
        return Group(*parts)

    def _speed(self, installation: events.InstallationProgress) -> str:
        now, done = time.monotonic(), sum(installation.done.values())
        counts = self._counts.setdefault(installation.name, [])
        counts.append((now, installation.requests, done))
        while len(counts) > 2 and now - counts[0][0] > _RATE_WINDOW_S:
            counts.pop(0)
        since, requests_then, done_then = counts[0]
        seconds = max(now - since, 1e-3)
        parts = [f"{(installation.requests - requests_then) / seconds:.1f} requests/s"]
        pace = installation.pace
        if pace.remaining is not None:
            parts.append(f"budget {pace.remaining:,} left{_until(pace.reset_at)}")
        if pace.why:
            parts.append(pace.why + _until(pace.paused_until))
        items_per_s, left = (done - done_then) / seconds, sum(installation.found.values()) - done
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
    """Return the level, text and fields of the log line of an event; nothing of a reply's body is among them."""
    match event:
        case events.RunBegan():
            text = "resumed" if event.resumed_count else "started"
            return "info", text, _fields(event, "started_at", "replies_replayed")
        case Abandoned():
            return "warning", "earlier run abandoned", _fields(event, "why", abandoned_run_id="run_id")
        case events.Draining():
            return "warning", "stopping after the requests in flight", _fields(event, "why")
        case events.InstallationSkipped():
            return "warning", "installation skipped", _fields(event, "installation", "why")
        case ForecastReady(forecast=forecast):
            level = "warning" if forecast.late or forecast.ends_at is None else "info"
            return level, "forecast", _fields(event, "installation") | _fields(forecast, "ends_at", says="sentence")
        case Waiting():
            return "info", "waiting", _fields(event, "installation", "why", "until")
        case events.CrawlEnded():
            return "info", "crawl finished, checking and publishing", _fields(event, "replies")
        case RetryScheduled():
            failure = _fields(event.failure, "kind", "http_status", why="message")
            return (
                "info",
                "retrying",
                _fields(event.request, path="target") | failure | _fields(event, "attempt", "wait_s"),
            )
        case events.SecondRound():
            names = {"round": "number", "failed_with": "failures", "pause_s": "wait_s"}
            text = "retrying failed requests after a pause"
            return "warning", text, _fields(event, "installation", "requests", **names)
        case RateLimitMet():
            fields = _fields(event, "wait_s", http_status="status", why="message")
            return "info", "rate limit reached, all requests pause", _fields(event.request, path="target") | fields
    return "debug", type(event).__name__, {}


def _fields(source: object, *names: str, **renamed: str) -> dict[str, object]:
    """Return attributes of `source` as fields of a log line, under their own names or as `field="attribute"`."""
    fields = {field: getattr(source, name) for field, name in (dict(zip(names, names, strict=True)) | renamed).items()}
    for field, value in fields.items():
        if isinstance(value, datetime):
            fields[field] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        elif isinstance(value, float):
            fields[field] = round(value, 2)
    return fields


def _counts_table(installation: events.InstallationProgress) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(escape(installation.name)))
    table.add_column("done", justify="right")
    table.add_column("found", justify="right")
    for kind, name in _KINDS.items():
        table.add_row(name, f"{installation.done.get(kind, 0):,}", f"{installation.found.get(kind, 0):,}")
    return table


def _until(when: datetime | None) -> str:
    return f" until {when:%H:%M:%S} UTC" if when else ""

"""Who watches a night: a person sees a display that redraws itself; under cron there is one log line per
event.

The display looks at the run's snapshot four times a second, from its own thread; the log writes a heartbeat
each minute.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from collector.cli import terminal
from collector.cli.summary_line import length
from collector.crawl.fetch_result import RateLimitMet, RetryScheduled
from collector.preflight.forecast_observer import ForecastReady, Waiting
from collector.run import progress as events

_HEARTBEAT_S: Final = 60.0
_REDRAWS_PER_S: Final = 4
_LEVELS: Final = ("workspaces", "projects", "pipelines", "actions", "action")
_NAMES: Final = {
    "workspaces": "workspace lists",
    "projects": "project lists",
    "pipelines": "pipeline lists",
    "actions": "action lists",
    "action": "promote-image actions",
}


class ProgressObserver:
    """An observer that writes log lines, and looks at the run when asked."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._snapshot: Callable[[], events.RunSnapshot] | None = None
        self._rates = _Rates()
        self._forecasts: dict[str, str] = {}

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        self._snapshot = snapshot

    def event(self, fact: object) -> None:
        name, level, facts = described(fact)
        if isinstance(fact, events.RunBegan):
            structlog.contextvars.bind_contextvars(run_id=fact.run_id)
        if isinstance(fact, ForecastReady):
            self._forecasts[fact.installation] = fact.forecast.sentence
        getattr(self._log, level)(name, **facts)

    def snapshot(self) -> events.RunSnapshot | None:
        """Where the run stands, None before it began."""
        return None if self._snapshot is None else self._snapshot()

    def heartbeat(self) -> None:
        """One line that says that the run lives, and what it waits for."""
        if (seen := self.snapshot()) is None:
            return
        for each in seen.installations:
            pace = each.pace
            self._log.info(
                "progress",
                run_id=seen.run_id,  # this thread knows nothing of what the run's own lines carry
                stage=seen.stage,
                installation=each.name,
                done=sum(each.done.values()),
                found=sum(each.found.values()),
                requests=each.requests,
                waiting_for=pace.why or None,
                until=_moment(pace.paused_until),
                budget_left=pace.remaining,
                resets_at=_moment(pace.reset_at),
            )

    def picture(self) -> Group:
        """The display: per installation what was found and done, the speed, the budget, the time left."""
        seen = self.snapshot()
        if seen is None:
            return Group(Text("starting"))
        parts: list[Any] = [Text(f"{seen.run_id}  {seen.stage}", style="bold")]
        for each in seen.installations:
            parts += [_levels(each), Text(self._rates.line(each), style="dim")]
            if each.name in self._forecasts:
                parts.append(Text(self._forecasts[each.name], style="dim"))
        return Group(*parts)


class _Rates:
    """Requests per second over the last seconds, by installation."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[float, int, int]]] = {}

    def line(self, each: events.InstallationProgress) -> str:
        now, done = time.monotonic(), sum(each.done.values())
        past = self._seen.setdefault(each.name, [])
        past.append((now, each.requests, done))
        while len(past) > 2 and now - past[0][0] > 10:
            past.pop(0)
        span = now - past[0][0]
        speed = (each.requests - past[0][1]) / span if span > 0 else 0.0
        pace = each.pace
        words = [f"{speed:.1f} requests/s"]
        if pace.remaining is not None:
            words.append(
                f"budget {pace.remaining:,} left" + (f" until {pace.reset_at:%H:%M:%S} UTC" if pace.reset_at else "")
            )
        if pace.why:
            words.append(pace.why + (f" until {pace.paused_until:%H:%M:%S} UTC" if pace.paused_until else ""))
        settled = (done - past[0][2]) / span if span > 0 else 0.0
        left = sum(each.found.values()) - done
        if settled > 0 and left > 0:
            words.append(f"about {length(left / settled)} for what is known so far")
        return " · ".join(words)


def _levels(each: events.InstallationProgress) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(terminal.escape(each.name)))
    table.add_column("done", justify="right")
    table.add_column("found", justify="right")
    for level in _LEVELS:
        table.add_row(_NAMES[level], f"{each.done.get(level, 0):,}", f"{each.found.get(level, 0):,}")
    return table


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def described(fact: object) -> tuple[str, str, dict[str, object]]:
    """The name, level and facts of a log line. Bodies and raw replies are never among them."""
    match fact:
        case events.RunBegan():
            name = "resumed" if fact.resumed_count else "began"
            facts: dict[str, object] = {
                "started_at": _moment(fact.started_at),
                "replies_replayed": fact.replies_replayed,
            }
            return name, "info", facts
        case events.RunAbandoned():
            return "earlier run abandoned", "warning", {"abandoned_run_id": fact.run_id, "why": fact.why}
        case events.Draining():
            return "stopping, finishing what is under way", "warning", {"why": fact.why}
        case events.InstallationSkipped():
            facts = {"installation": fact.installation, "why": fact.why}
            return "going on without one installation", "warning", facts
        case ForecastReady():
            forecast = fact.forecast
            facts = {"installation": fact.installation, "says": forecast.sentence, "ends_at": _moment(forecast.ends_at)}
            # Told before it fails: there is still time to raise the limit or to lower the reserve.
            late = forecast.late or forecast.ends_at is None
            return "forecast", "warning" if late else "info", facts
        case Waiting():
            facts = {"installation": fact.installation, "why": fact.why, "until": _moment(fact.until)}
            return "waiting", "info", facts
        case events.CrawlEnded():
            return "crawled, checking and publishing", "info", {"replies": fact.replies}
        case RetryScheduled():
            failure = fact.failure
            what = {"path": fact.request.target, "kind": failure.kind, "http_status": failure.http_status}
            return (
                "retrying",
                "info",
                {**what, "why": failure.message, "attempt": fact.attempt, "wait_s": round(fact.wait_s, 2)},
            )
        case events.SecondRound():
            facts = {
                "installation": fact.installation,
                "round": fact.number,
                "requests": fact.requests,
                "failed_with": fact.failures,
                "pause_s": round(fact.wait_s, 1),
            }
            return "pausing, then asking again what failed", "warning", facts
        case RateLimitMet():
            what = {"path": fact.request.target, "http_status": fact.status, "why": fact.message}
            return "rate limited, everybody waits", "info", {**what, "wait_s": round(fact.wait_s, 2)}
        case _:
            return type(fact).__name__, "debug", {}


@contextmanager
def observing(*, live: bool) -> Iterator[ProgressObserver]:
    """An observer for one night, with the display when `live`, else with a heartbeat."""
    watcher = ProgressObserver()
    structlog.contextvars.clear_contextvars()
    with ExitStack() as stack:
        if live:
            console = Console(stderr=True)
            picture = watcher.picture
            stack.enter_context(
                Live(console=console, get_renderable=picture, refresh_per_second=_REDRAWS_PER_S, transient=True)
            )
        else:
            stack.enter_context(_beating(watcher))
        yield watcher


@contextmanager
def _beating(watcher: ProgressObserver) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_HEARTBEAT_S):
            watcher.heartbeat()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

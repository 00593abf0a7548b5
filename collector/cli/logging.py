"""Log lines: one per event, on stderr, as text for people or JSON for programs, with every remembered secret
taken out.

The only place where structlog is configured. Foreign libraries that use the standard logging come through
here too.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from collector.cli import terminal

if TYPE_CHECKING:
    from collector.run.finalize import RunSummary

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
Event = MutableMapping[str, Any]


def set_up(form: str, level: str) -> None:
    """Send every log line of this process to stderr; `form` is text or json, `level` the least that is
    written.
    """
    renderer = _json if form == "json" else _text
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        # Looks sys.stderr up at each line: the progress display puts its own there while it is up.
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [_Forward()]
    logging.root.setLevel(max(_LEVELS[level], logging.WARNING))  # the details of others help nobody at night


def for_programs() -> bool:
    """Whether stderr is read by a program: then a failure is a line of JSON too, not a paragraph between them."""
    return structlog.is_configured() and structlog.get_config()["processors"][-1] is _json


def failed(exit_code: int, why: str, advice: str, bug: Exception | None = None) -> None:
    """The last line of a command that failed."""
    structlog.get_logger().error("failed", exit_code=exit_code, why=why, advice=advice or None, exc_info=bug)


def published(summary: "RunSummary") -> None:
    """The last line of a night that was published: how it went, in numbers."""
    log = structlog.get_logger()
    write = log.info if summary.exit_code == 0 else log.warning
    write(
        "published",
        status=summary.status,
        exit_code=summary.exit_code,
        promote_image_actions=summary.rows.get("promote_image_actions", 0),
        changes=summary.changes,
        problems=summary.problems,
        requests=summary.requests,
        refusals=summary.refusals,
        paused_seconds=round(summary.paused_seconds, 1),
        seconds=round((summary.finished_at - summary.started_at).total_seconds(), 1),
        run_id=summary.run_id,
    )


def untold(error: OSError) -> None:
    """The night stands, and its one line could not be written."""
    structlog.get_logger().warning("not done after the run", what="the line on stdout", why=error.strerror)


class _Lines:
    """Writes finished lines to whatever sys.stderr is at the moment."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


class _Forward(logging.Handler):
    """Gives records of the standard logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        write = structlog.get_logger().error if record.levelno >= logging.ERROR else structlog.get_logger().warning
        write(record.getMessage(), logger=record.name)


def _without_secrets(_: Any, __: str, event: Event) -> Event:
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return terminal.without_secrets(str(value))


def _json(_: Any, __: str, event: Event) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return json.dumps({**first, **event}, ensure_ascii=False)


def _text(_: Any, __: str, event: Event) -> str:
    when, level, what = (str(event.pop(key, "")) for key in ("timestamp", "level", "event"))
    trace = event.pop("exception", "")
    facts = " ".join(f"{key}={_quoted(value)}" for key, value in event.items() if value is not None)
    line = f"{when[:19]}Z {level:<7} {terminal.escape(what)}" + (f"  {facts}" if facts else "")
    return line + (f"\n{trace}" if trace else "")


def _quoted(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        value = ",".join(f"{name}:{item}" for name, item in value.items()) or "none"
    text = terminal.escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return f'"{text}"' if any(char in text for char in ' ="') or not text else text

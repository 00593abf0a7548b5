"""Log lines: one per event, on stderr, as text for people or JSON for programs, without secrets.

This is the only place where structlog is configured. Libraries that use the standard logging are logged here too.
"""

import json
import logging
import sys
from typing import Any

import structlog

from collector.cli import terminal
from collector.settings.escape import escape


def set_up(form: str, level: str) -> None:
    """Send the log lines of this process to stderr; `form` is text or json, `level` the minimum log level."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render_json if form == "json" else _render_text,
            lambda _, __, line: terminal.without_secrets(str(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # sys.stderr is looked up for each line, because the progress display replaces it while it is shown.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    logging.root.handlers = [_StructlogHandler()]
    logging.root.setLevel("ERROR" if level == "error" else "WARNING")  # the details of libraries help nobody


def is_json() -> bool:
    """Return whether stderr is read by a program, so that a failure must be a line of JSON too."""
    return structlog.is_configured() and structlog.get_config()["processors"][-2] is _render_json


class _StructlogHandler(logging.Handler):
    """Passes records of the standard logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name)


def _render_json(_: Any, __: str, event: Any) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return json.dumps({**first, **event}, ensure_ascii=False, default=str)


def _render_text(_: Any, __: str, event: Any) -> str:
    timestamp, level, text = (str(event.pop(key, "")) for key in ("timestamp", "level", "event"))
    trace = event.pop("exception", "")
    fields = " ".join(f"{key}={_field(value)}" for key, value in event.items() if value is not None)
    line = f"{timestamp[:19]}Z {level:<7} {escape(text)}" + (f"  {fields}" if fields else "")
    return line + (f"\n{trace}" if trace else "")


def _field(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        value = ",".join(f"{name}:{item}" for name, item in value.items()) or "none"
    text = escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return f'"{text}"' if any(char in text for char in ' ="') or not text else text

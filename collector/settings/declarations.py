"""The settings, each declared once.

From `SETTINGS` follow the keys that collector.toml accepts, the environment variables that are looked at, the
flags, and the table in the README.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from collector.settings import parsers as values

__all__ = ["SETTINGS", "TOKEN_KEYS", "Setting"]


@dataclass(frozen=True)
class Setting:
    """One setting: where it may be written, how it is read, and what it means."""

    name: str  # the key in collector.toml
    flags: tuple[str, ...]
    environ: tuple[str, ...]  # in order of precedence: Buddy's name first, its aliases after
    default: object
    read: Callable[[object, str], object]
    meaning: str
    per_installation: bool = False  # may also stand under [installations.NAME]


SETTINGS: Final = (
    Setting(
        "region", (), ("BUDDY_REGION",), "us", values.region, "Buddy's installation: US, EU or AS (AP accepted)", True
    ),
    Setting(
        "api_url",
        (),
        ("BUDDY_API_URL", "BUDDY_API_ENDPOINT", "BUDDY_BASE_URL"),
        None,
        values.text,
        "base URL of the API, for a self-hosted Buddy (https://HOST/api); wins over the region",
        True,
    ),
    Setting(
        "workspaces",
        ("-w", "--workspace"),
        ("BUDDY_WORKSPACE",),
        (),
        values.globs,
        "workspaces to collect (globs, repeatable; a leading ! excludes); all when not said",
        True,
    ),
    Setting(
        "projects",
        ("-p", "--project"),
        ("BUDDY_PROJECT",),
        (),
        values.globs,
        "projects to collect (globs, repeatable; a leading ! excludes); all when not said",
        True,
    ),
    Setting(
        "lake", ("--lake",), ("COLLECTOR_LAKE",), "./lake", values.directory, "the directory that holds every night"
    ),
    Setting(
        "requests_per_second",
        ("--requests-per-second",),
        ("COLLECTOR_REQUESTS_PER_SECOND",),
        20.0,
        values.number,
        "our own ceiling; 0 = none, Buddy's headers are still obeyed",
        True,
    ),
    Setting(
        "reserve",
        ("--reserve",),
        ("COLLECTOR_RESERVE",),
        50,
        values.whole,
        "requests of every rate window left to others",
        True,
    ),
    Setting(
        "concurrency",
        ("--concurrency",),
        ("COLLECTOR_CONCURRENCY",),
        16,
        partial(values.whole, least=1),
        "requests in flight at once",
        True,
    ),
    Setting(
        "max_duration",
        ("--max-duration",),
        ("COLLECTOR_MAX_DURATION",),
        None,
        values.duration,
        "stop asking after this long (90m, 6h) and publish what is whole; no limit when not said",
    ),
    Setting(
        "keep_raw",
        ("--keep-raw",),
        ("COLLECTOR_KEEP_RAW",),
        False,
        values.flag,
        "keep the redacted replies beside the tables",
    ),
    Setting(
        "variable_values",
        ("--variable-values",),
        ("COLLECTOR_VARIABLE_VALUES",),
        "redact",
        partial(values.choice, allowed=("redact", "keep")),
        "redact or keep the values of unencrypted variables",
    ),
    Setting(
        "ca_bundle",
        ("--ca-bundle",),
        ("COLLECTOR_CA_BUNDLE",),
        None,
        values.text,
        "PEM file of certificates to trust, for a self-hosted Buddy with a private one",
        True,
    ),
    Setting(
        "allow_http",
        ("--allow-http",),
        ("COLLECTOR_ALLOW_HTTP",),
        False,
        values.flag,
        "accept plain http to hosts other than this machine (the token travels unencrypted)",
        True,
    ),
    Setting(
        "log_format",
        ("--log-format",),
        ("COLLECTOR_LOG_FORMAT",),
        "text",
        partial(values.choice, allowed=("text", "json")),
        "log lines for people (text) or for programs (json)",
    ),
    Setting(
        "log_level",
        ("--log-level",),
        ("COLLECTOR_LOG_LEVEL",),
        "info",
        partial(values.choice, allowed=("debug", "info", "warning", "error")),
        "the least severe line that is written",
    ),
    Setting(
        "summary_file",
        ("--summary-file",),
        ("COLLECTOR_SUMMARY_FILE",),
        None,
        values.text,
        "write how the night went to this file, as JSON",
    ),
    Setting(
        "message_file",
        ("--message-file",),
        ("COLLECTOR_MESSAGE_FILE",),
        None,
        values.message_file,
        "write the morning message to this file (.txt, .md or .json)",
    ),
    Setting(
        "metrics_file",
        ("--metrics-file",),
        ("COLLECTOR_METRICS_FILE",),
        None,
        values.text,
        "write metrics for Prometheus to this file (NAME.prom, for the node exporter's textfile collector)",
    ),
    Setting(
        "notify_url",
        ("--notify-url",),
        ("COLLECTOR_NOTIFY_URL",),
        None,
        values.notify_url,
        "post the morning message to this https address, as JSON",
    ),
    Setting(
        "keep",
        ("--keep",),
        ("COLLECTOR_KEEP",),
        None,
        values.days,
        "after a published night, drop nights older than this (400d); all are kept when not said",
    ),
    Setting(
        "compact",
        ("--compact",),
        ("COLLECTOR_COMPACT",),
        False,
        values.flag,
        "after a published night, merge the nights of past months",
    ),
)

# Where an installation's token comes from; never the token itself, which has no business in a file that is
# shown around.
TOKEN_KEYS: Final = ("token_env", "token_file", "token_command")

"""The settings, each declared once: as the field of a dataclass that holds its value.

The field gives the key in collector.toml, the type and the default; the `Setting` in its annotation gives the rest. The
flag, the environment variable, the line in the template of `collector init`, the help text and the table in the README
follow from it. To add a setting, add a field here and use it.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

from collector.errors import SettingsError
from collector.settings import parsers, urls
from collector.settings.secret import Secret

__all__ = ["PER_INSTALLATION", "SETTINGS", "TOKEN_KEYS", "AfterRun", "Installation", "Setting", "Settings", "declared"]


@dataclass(frozen=True)
class Setting:
    """How one setting is parsed, what it means, and where it may be written."""

    parse: Callable[[object, str], object]  # of what was written, and of the name by which its writer knows it
    meaning: str
    metavar: str = ""
    example: object = None  # for the template, where there is no default
    # Given here only where they differ from those that `declared` makes from the field's name.
    key: str = ""
    flags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()  # in order of precedence
    default: object = None

    @property
    def default_text(self) -> str:
        """The default as people read it, empty for none, an empty list and no."""
        if self.default is None or self.default is False or self.default == ():
            return ""
        return f"./{self.default}" if isinstance(self.default, Path) else str(self.default)


@dataclass(frozen=True)
class Installation:
    """One installation of Buddy: its address, our token, what is collected from it and how fast."""

    name: str
    api_url: str  # no trailing slash; a base path such as /api is kept
    token: Secret
    workspaces: Annotated[
        tuple[str, ...],
        Setting(
            parsers.globs,
            "Workspaces to collect: globs, repeatable; a leading ! excludes. Default: all.",
            "GLOB",
            example=("acme", "!acme-sandbox"),
            flags=("-w", "--workspace"),
            variables=("BUDDY_WORKSPACE",),
        ),
    ] = ()
    projects: Annotated[
        tuple[str, ...],
        Setting(
            parsers.globs,
            "Projects to collect: globs, repeatable; a leading ! excludes. Default: all.",
            "GLOB",
            example=("*", "!playground-*"),
            flags=("-p", "--project"),
            variables=("BUDDY_PROJECT",),
        ),
    ] = ()
    requests_per_second: Annotated[
        float,
        Setting(
            parsers.number,
            "Maximum request rate; 0 for none. The limits that Buddy states in its headers are always obeyed.",
            "NUMBER",
        ),
    ] = 20
    reserve: Annotated[
        int, Setting(parsers.whole, "Requests of each rate window that are left to other clients.", "NUMBER")
    ] = 50
    concurrency: Annotated[
        int, Setting(partial(parsers.whole, minimum=1), "Maximum number of requests in flight.", "NUMBER")
    ] = 16
    ca_bundle: Annotated[
        Path | None,
        Setting(
            parsers.path,
            "PEM file of trusted certificates, for a self-hosted Buddy with a private one.",
            "FILE",
            example="company-ca.pem",
        ),
    ] = None
    allow_http: Annotated[
        bool,
        Setting(parsers.flag, "Allow plain http to hosts other than this machine. The token then travels unencrypted."),
    ] = False
    ignored_proxy: str | None = None  # the environment variable of a proxy that other programs would use
    token_error: SettingsError | None = None  # why there is no token, where other installations are collected


@dataclass(frozen=True)
class AfterRun:
    """What is done after a run. If it fails, the run stands."""

    summary_file: Annotated[
        Path | None,
        Setting(parsers.path, "Write the result of the run to this file, as JSON.", "FILE", example="last-run.json"),
    ] = None
    message_file: Annotated[
        Path | None,
        Setting(
            parsers.message_file,
            "Write the morning message to this file (.txt, .md or .json).",
            "FILE",
            example="morning.md",
        ),
    ] = None
    metrics_file: Annotated[
        Path | None,
        Setting(
            parsers.path,
            "Write metrics for Prometheus to this file (NAME.prom, for the textfile collector of node_exporter).",
            "FILE",
            example="/var/lib/node_exporter/textfile/collector.prom",
        ),
    ] = None
    notify_url: Annotated[
        Secret | None,
        Setting(
            urls.notify_url,
            "Post the morning message to this https address, as JSON. Whoever knows the address can post to it.",
            "URL",
            example="https://chat.example.com/hooks/promotions",
        ),
    ] = None
    keep_days: Annotated[
        int | None,
        Setting(
            parsers.days,
            "After a published run, drop the runs that are older than this (400d). Default: keep all.",
            "TIME",
            example="400d",
            key="keep",
        ),
    ] = None
    compact: Annotated[bool, Setting(parsers.flag, "After a published run, merge the files of past months.")] = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are written after a run."""
        wanted = (self.summary_file, self.message_file, self.metrics_file)
        return tuple(path for path in wanted if path is not None)


@dataclass(frozen=True)
class Settings:
    """All settings of a command. `installations` is empty when the command needs no token."""

    installations: tuple[Installation, ...]
    lake: Annotated[Path, Setting(parsers.directory, "Directory of the lake, which holds all runs.", "PATH")] = Path(
        "lake"
    )
    max_duration_s: Annotated[
        float | None,
        Setting(
            parsers.duration,
            "Stop sending requests after this time (90m, 6h) and publish what was collected. Default: no limit.",
            "TIME",
            example="6h",
            key="max_duration",
        ),
    ] = None
    keep_raw: Annotated[bool, Setting(parsers.flag, "Keep the redacted replies of each run in the lake.")] = False
    variable_values: Annotated[
        Literal["redact", "keep"],
        Setting(parsers.one_of("redact", "keep"), "Redact or keep the values of unencrypted variables.", "redact|keep"),
    ] = "redact"
    log_format: Annotated[
        Literal["text", "json"],
        Setting(
            parsers.one_of("text", "json"), "Format of log lines: text for people, json for programs.", "text|json"
        ),
    ] = "text"
    log_level: Annotated[
        str,
        Setting(
            parsers.one_of("debug", "info", "warning", "error"),
            "Minimum log level: debug, info, warning or error.",
            "LEVEL",
        ),
    ] = "info"
    after_run: AfterRun = AfterRun()

    def fingerprint(self) -> str:
        """Return 16 hex digits of the settings that decide the rows: a run is resumed only under equal ones.

        Neither the token nor the speed is among them.
        """
        decisive = {
            "installations": sorted(
                (each.name, each.api_url, sorted(each.workspaces), sorted(each.projects)) for each in self.installations
            ),
            "variable_values": self.variable_values,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def declared(section: type) -> dict[str, Setting]:
    """Return the settings that the fields of a dataclass declare, by the names of the fields."""
    found = {}
    for each in fields(section):
        for setting in getattr(each.type, "__metadata__", ()):
            key = setting.key or each.name
            found[each.name] = replace(
                setting,
                key=key,
                flags=setting.flags or (f"--{key.replace('_', '-')}",),
                variables=setting.variables or (f"COLLECTOR_{key.upper()}",),
                default=each.default,
            )
    return found


# The two settings of which Installation.api_url is made. They have no flag.
REGION: Final = Setting(
    urls.region,
    "Buddy's installation: US, EU or AS (AP is accepted for AS).",
    key="region",
    variables=("BUDDY_REGION",),
    default="us",
)
API_URL: Final = Setting(
    urls.api_url,
    "Base URL of the API of a self-hosted Buddy (https://HOST/api); wins over the region.",
    example="https://buddy.example.com/api",
    key="api_url",
    variables=("BUDDY_API_URL", "BUDDY_API_ENDPOINT", "BUDDY_BASE_URL"),
)
# These may also stand in a table [installations.NAME].
PER_INSTALLATION: Final = (REGION, API_URL, *declared(Installation).values())
SETTINGS: Final = (*PER_INSTALLATION, *declared(Settings).values(), *declared(AfterRun).values())
# Where an installation's token comes from. The token itself does not belong in a file that is copied and shown.
TOKEN_KEYS: Final = ("token_env", "token_file", "token_command")

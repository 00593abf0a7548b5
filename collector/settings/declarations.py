"""The settings, each declared once: as the field of a dataclass that holds its value.

The flag, the environment variable, the key and the line in the template of collector.toml, the help text and the table
in docs/settings.md follow from it. To add a setting, add a field here and use it.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

from collector.errors import SettingsError
from collector.settings import parsers, urls
from collector.settings.lake_place import LakePlace, lake_place
from collector.settings.secret import Secret
from collector.settings.setting import Setting, declared, setting

_DEFAULT_LAKE: Final[LakePlace] = Path("lake")
_WEEK_S: Final[float | None] = 7 * 86_400.0


@dataclass(frozen=True)
class Installation:
    """One installation of Buddy: its address, our token, what is collected from it and how fast."""

    name: str
    api_url: str  # no trailing slash; a base path such as /api is kept
    token: Secret
    workspaces: tuple[str, ...] = setting(
        (),
        parsers.globs,
        "Workspaces to collect: globs, repeatable; a leading ! excludes. Default: all.",
        "GLOB",
        example=["acme", "!acme-sandbox"],
        flags=("-w", "--workspace"),
        variables=("BUDDY_WORKSPACE",),
    )
    projects: tuple[str, ...] = setting(
        (),
        parsers.globs,
        "Projects to collect: globs, repeatable; a leading ! excludes. Default: all.",
        "GLOB",
        example=["*", "!playground-*"],
        flags=("-p", "--project"),
        variables=("BUDDY_PROJECT",),
    )
    requests_per_second: float = setting(
        20.0, parsers.number, "Maximum request rate; 0 for none. Buddy's own limits are always obeyed.", "NUMBER"
    )
    reserve: int = setting(50, parsers.whole, "Requests of each rate window that are left to other clients.", "NUMBER")
    concurrency: int = setting(
        16,
        partial(parsers.whole, minimum=1),
        "Maximum number of requests in flight, as far as the limit on open files allows.",
        "NUMBER",
    )
    ca_bundle: Path | None = setting(
        None,
        parsers.path,
        "PEM file of certificates to trust, for a self-hosted Buddy.",
        "FILE",
        example="company-ca.pem",
    )
    allow_http: bool = setting(
        False, parsers.flag, "Allow plain http to hosts other than this machine. The token then travels unencrypted."
    )
    proxy: Literal["off", "env"] = setting(
        "off",
        parsers.one_of("off", "env"),
        "Reach Buddy through the proxy that HTTPS_PROXY and NO_PROXY name (env), or through none (off).",
        "off|env",
    )
    proxy_url: Secret | None = None  # where `proxy` is env and the environment names one; it may hold a password
    ignored_proxy: str | None = None  # the environment variable of a proxy that other programs would use
    token_error: SettingsError | None = None  # why there is no token, where other installations are collected


@dataclass(frozen=True)
class AfterRun:
    """What is done after a run. If it fails, the run stands."""

    summary_file: Path | None = setting(
        None, parsers.path, "Write the result of the run to this file, as JSON.", "FILE", example="last-run.json"
    )
    message_file: Path | None = setting(
        None,
        parsers.message_file,
        "Write the morning message to this file (.txt, .md, .json).",
        "FILE",
        example="morning.md",
    )
    report_file: Path | None = setting(
        None,
        parsers.path,
        "Write the report to this file after a published run, as one HTML page. Needs the extra report.",
        "FILE",
        example="/srv/www/promotions.html",
    )
    metrics_file: Path | None = setting(
        None,
        parsers.path,
        "Write metrics for Prometheus to this file (NAME.prom), for node_exporter.",
        "FILE",
        example="/var/lib/node_exporter/textfile/collector.prom",
    )
    notify_url: Secret | None = setting(
        None,
        urls.notify_url,
        "Post the morning message to this https address, as JSON. Whoever knows the address can post to it.",
        "URL",
        example="https://chat.example.com/hooks/promotions",
    )
    keep_days: int | None = setting(
        None,
        parsers.days,
        "After a published run, drop the runs that are older than this (400d). Default: keep all.",
        "TIME",
        example="400d",
        key="keep",
    )
    compact: bool = setting(False, parsers.flag, "After a published run, merge the files of past months.")

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are written after a run."""
        return tuple(path for path in (self.summary_file, self.message_file, self.metrics_file) if path is not None)


@dataclass(frozen=True)
class Settings:
    """All settings of a command. `installations` is empty when the command needs no token."""

    installations: tuple[Installation, ...]
    lake: LakePlace = setting(
        _DEFAULT_LAKE,
        lake_place,
        "The lake, which holds all runs: a directory, or object storage (s3://BUCKET/PREFIX, gs:// or az://).",
        "PATH|URL",
    )
    work_dir: Path | None = setting(
        None,
        parsers.path,
        "Local directory for journals, staged rows, lock and copies of files of a lake in object storage. "
        "Default: collector/lakes in the state directory (XDG_STATE_HOME).",
        "PATH",
        example="/var/lib/collector",
    )
    cache_gb: float = setting(
        10.0, parsers.number, "Size to which the local copies of files in object storage may grow, in GB.", "NUMBER"
    )
    assume_single_writer: bool = setting(
        False,
        parsers.flag,
        "Publish to an object store that ignores conditional puts; no other machine may write the lake.",
    )
    max_duration_s: float | None = setting(
        None,
        parsers.duration,
        "Stop sending requests after this time (90m, 6h) and publish what was collected. Default: no limit.",
        "TIME",
        example="6h",
        key="max_duration",
    )
    max_requests: int | None = setting(
        None,
        partial(parsers.whole, minimum=1),
        "Stop sending requests after so many in this run, retries included, and publish what was collected. "
        "Default: no limit.",
        "NUMBER",
        example=5000,
    )
    refresh_s: float = setting(
        0.0,
        parsers.duration_or_zero,
        "Ask for a pipeline whose entry in its list has not changed only once in this time (7d), and carry its rows "
        "from run to run meanwhile. 0: ask for everything in every run.",
        "TIME",
        key="refresh",
        written="0",
    )
    executions_s: float | None = setting(
        _WEEK_S,
        parsers.duration_or_off,
        "How far back the first run reads executions of pipelines (7d), or off. Later runs go on from there.",
        "TIME|off",
        key="executions",
        written="7d",
    )
    names: bool = setting(
        False,
        parsers.flag,
        "Read the names of the members and groups of each workspace, for who_can_promote: two lists per workspace.",
    )
    keep_raw: bool = setting(False, parsers.flag, "Keep the redacted replies of each run in the lake.")
    variable_values: Literal["redact", "keep"] = setting(
        "redact", parsers.one_of("redact", "keep"), "Redact or keep the values of unencrypted variables.", "redact|keep"
    )
    table_format: Literal["none", "delta"] = setting(
        "none",
        parsers.one_of("none", "delta"),
        "After a run, write logs by which other engines read every table of the lake as a Delta Lake table.",
        "none|delta",
    )
    log_format: Literal["text", "json"] = setting(
        "text", parsers.one_of("text", "json"), "Format of log lines: text for people, json for programs.", "text|json"
    )
    log_level: str = setting(
        "info", parsers.one_of("debug", "info", "warning", "error"), "Minimum log level.", "debug|info|warning|error"
    )
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
            "executions": self.executions_s,
            "names": self.names,
            "refresh": self.refresh_s,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


# The two settings of which Installation.api_url is made. They have no flag.
REGION: Final = Setting(
    "region",
    "us",
    urls.region,
    "Buddy's installation: US, EU or AS (AP is accepted for AS).",
    variables=("BUDDY_REGION",),
)
API_URL: Final = Setting(
    "api_url",
    None,
    urls.api_url,
    "Base URL of the API of a self-hosted Buddy (https://HOST/api); wins over the region.",
    variables=("BUDDY_API_URL", "BUDDY_API_ENDPOINT", "BUDDY_BASE_URL"),
    example="https://buddy.example.com/api",
)
# These may also stand in a table [installations.NAME].
PER_INSTALLATION: Final = (REGION, API_URL, *declared(Installation).values())
SETTINGS: Final = (*PER_INSTALLATION, *declared(Settings).values(), *declared(AfterRun).values())

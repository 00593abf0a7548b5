"""The options that commands share, made from the declarations of the settings so that both say the same."""

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import terminal
from collector.errors import CollectorError
from collector.settings.file import SETTINGS
from collector.settings.loading import Settings, load

if TYPE_CHECKING:
    from collector.lake.lake import Lake as OpenLake

_DECLARED = {setting.name: setting for setting in SETTINGS}


def option(name: str, metavar: str) -> Any:
    """The typer option of a setting. Values stay text: settings read them, so that every source is judged
    alike.
    """
    setting = _DECLARED[name]
    default = f" [default: {setting.default}]" if setting.default not in (None, (), False) else ""
    meaning = setting.meaning[0].upper() + setting.meaning[1:] + "."
    return typer.Option(
        *sorted(setting.flags, key=len, reverse=True),
        metavar=metavar,
        help=f"{meaning} ({setting.environ[0]}){default}",
    )


Config = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file. (COLLECTOR_CONFIG) [default: ./collector.toml if there]"
    ),
]
Lake = Annotated[str | None, option("lake", "PATH")]
Workspaces = Annotated[list[str] | None, option("workspaces", "GLOB")]
Projects = Annotated[list[str] | None, option("projects", "GLOB")]
RequestsPerSecond = Annotated[str | None, option("requests_per_second", "NUMBER")]
Reserve = Annotated[str | None, option("reserve", "NUMBER")]
Concurrency = Annotated[str | None, option("concurrency", "NUMBER")]
MaxDuration = Annotated[str | None, option("max_duration", "TIME")]
VariableValues = Annotated[str | None, option("variable_values", "redact|keep")]
CaBundle = Annotated[str | None, option("ca_bundle", "FILE")]
LogFormat = Annotated[str | None, option("log_format", "text|json")]
LogLevel = Annotated[str | None, option("log_level", "LEVEL")]
SummaryFile = Annotated[str | None, option("summary_file", "FILE")]
MessageFile = Annotated[str | None, option("message_file", "FILE")]
MetricsFile = Annotated[str | None, option("metrics_file", "FILE")]
NotifyUrl = Annotated[str | None, option("notify_url", "URL")]
Keep = Annotated[str | None, option("keep", "TIME")]
Compact = Annotated[
    bool, typer.Option("--compact", help=_DECLARED["compact"].meaning.capitalize() + ". (COLLECTOR_COMPACT)")
]
KeepRaw = Annotated[
    bool, typer.Option("--keep-raw", help=_DECLARED["keep_raw"].meaning.capitalize() + ". (COLLECTOR_KEEP_RAW)")
]
AllowHttp = Annotated[
    bool, typer.Option("--allow-http", help=_DECLARED["allow_http"].meaning.capitalize() + ". (COLLECTOR_ALLOW_HTTP)")
]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of stdout.")]


class RowFormat(StrEnum):
    """How rows come out."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    markdown = "markdown"
    parquet = "parquet"


class FactFormat(StrEnum):
    """How a short report comes out."""

    text = "text"
    json = "json"


class WordFormat(StrEnum):
    """How something to be read comes out."""

    text = "text"
    json = "json"
    markdown = "markdown"
    csv = "csv"


RowsFormat = Annotated[RowFormat, typer.Option("--format", "-f", help="How the rows are written.")]
FactsFormat = Annotated[FactFormat, typer.Option("--format", "-f", help="For people (text) or for programs (json).")]
WordsFormat = Annotated[WordFormat, typer.Option("--format", "-f", help="How it is written.")]


def settings_from(flags: Mapping[str, object], *, needs_token: bool) -> Settings:
    """The settings of this process: its flags, its environment, its directory."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}
    # A flag that is either said or not cannot take back what the environment says.
    given = {name: None if value is False else value for name, value in given.items()}
    settings = load(given, os.environ, Path.cwd(), needs_token=needs_token)
    for installation in settings.installations:
        terminal.remember(installation.token)
    if settings.afterwards.notify_url is not None:
        terminal.remember(settings.afterwards.notify_url)
    return settings


def lake_path(lake: str | None, config: str | None) -> Path:
    """Where the lake is, for commands that need nothing else."""
    return settings_from({"lake": lake, "config": config}, needs_token=False).lake


def open_lake(lake: str | None, config: str | None) -> "OpenLake":
    """The lake, opened for looking at its manifest. Raises LakeError when it is missing, damaged or newer."""
    from collector.lake.lake import Lake

    return Lake.open(lake_path(lake, config))


def settle_catalog(lake: "OpenLake") -> None:
    """Bring catalog.duckdb up to date where the lake was moved or changed; a lake that is only readable goes
    without.
    """
    from collector.query import catalog

    with suppress(CollectorError, OSError):
        catalog.ensure(lake)

"""The options that commands share. Those of settings are made from the declarations."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from collector.cli import terminal
from collector.errors import CollectorError
from collector.settings.declarations import SETTINGS, Settings
from collector.settings.escape import escape
from collector.settings.lake_place import LakePlace
from collector.settings.loading import load
from collector.settings.setting import Setting

if TYPE_CHECKING:
    from datetime import datetime

    from collector.lake.lake import Lake as OpenLake

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


def _option(setting: Setting) -> Any:
    """Return the typer option of a setting. Its value stays text: it is parsed like that of any other source."""
    default = f" [default: {setting.default_text}]" if setting.default_text else ""
    return typer.Option(
        *sorted(setting.flags, key=len, reverse=True),
        metavar=setting.metavar,
        help=f"{setting.meaning} ({setting.variables[0]}){default}",
    )


Config = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file. (COLLECTOR_CONFIG) [default: ./collector.toml if it exists]"
    ),
]
Lake = Annotated[str | None, _option(_BY_KEY["lake"])]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of stdout.")]

Installations = Annotated[
    list[str] | None,
    typer.Option("--installation", metavar="NAME", help="Only this installation of collector.toml; repeatable."),
]

# The formats of rows, of a short report, and of a document.
RowFormat = StrEnum("RowFormat", ["text", "tsv", "csv", "json", "jsonl", "markdown", "md", "parquet"])
FactFormat = StrEnum("FactFormat", ["text", "json"])
RowsFormat = Annotated[
    RowFormat | None,
    typer.Option(
        "--format", "-f", help="Format of the rows. [default: by the name of FILE; text on a terminal, tsv in a pipe]"
    ),
]
FactsFormat = Annotated[
    FactFormat, typer.Option("--format", "-f", help="Output for people (text) or for programs (json).")
]


_FORMAT_OF_ENDING: Final = {"txt": RowFormat.text, **{form.value: form for form in RowFormat}}


def row_format(form: RowFormat | None, output: str | None) -> RowFormat:
    """Return the format of rows: the one asked for, that of the file's ending, or by what stdout is."""
    if form is None and output is not None:
        form = _FORMAT_OF_ENDING.get(Path(output).suffix.lower().removeprefix("."), RowFormat.tsv)
    if form is None:
        form = RowFormat.text if sys.stdout.isatty() else RowFormat.tsv
    return RowFormat.markdown if form is RowFormat.md else form


def takes_settings(*keys: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command `--config` and the flags of the settings of these keys, or of all settings when there are none.

    The command takes what was given of them, by key, as its first argument: what `settings_from` needs.
    """
    types: dict[str, Any] = {"config": Config}
    for setting in (_BY_KEY[key] for key in keys or _BY_KEY if _BY_KEY[key].flags):
        kind: Any = {bool: bool, tuple: list[str]}.get(type(setting.default), str)
        types[setting.key] = Annotated[kind | None, _option(setting)]
    flags = [Parameter(key, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=types[key]) for key in types]

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def with_flags(**arguments: Any) -> int:
            return command({key: arguments.pop(key) for key in types}, **arguments)

        own = list(signature(command).parameters.values())[1:]
        with_flags.__signature__ = Signature([*flags, *own])  # type: ignore[attr-defined]  # typer reads it
        return with_flags

    return decorate


Color = StrEnum("Color", ["auto", "always", "never"])


def _quiet(value: bool) -> None:
    terminal.quiet = terminal.quiet or value


def _verbose(value: bool) -> None:
    terminal.verbose = terminal.verbose or value


def _color(value: Color | None) -> None:
    terminal.colour = value.value if value else terminal.colour


_COMMON: Final[dict[str, tuple[Any, tuple[str, ...], str, Callable[..., Any], object]]] = {
    "quiet": (bool, ("-q", "--quiet"), "Only results and errors: no progress, no notes.", _quiet, False),
    "verbose": (
        bool,
        ("-v", "--verbose"),
        "All log lines on a terminal, too, and the traceback of a failure.",
        _verbose,
        False,
    ),
    "color": (Color | None, ("--color",), "Colour: on a terminal without NO_COLOR, always, or never.", _color, None),
}


def with_common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that every command has; they apply to the process and are not passed on."""

    @wraps(command)
    def with_own(**arguments: Any) -> Any:
        return command(**{name: value for name, value in arguments.items() if name not in _COMMON})

    added = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[
                kind, typer.Option(*flags, help=text, callback=callback, is_eager=True, show_default=False)
            ],
        )
        for name, (kind, flags, text, callback, default) in _COMMON.items()
    ]
    with_own.__signature__ = Signature([*signature(command).parameters.values(), *added])  # type: ignore[attr-defined]
    return with_own


def settings_from(flags: Mapping[str, object], *, needs_token: bool) -> Settings:
    """Return the settings of this process: its flags, its environment, its directory."""
    settings = load(flags, os.environ, Path.cwd(), needs_token=needs_token)
    for secret in (*(each.token for each in settings.installations), settings.after_run.notify_url):
        if secret is not None:
            terminal.remember(secret)
    return settings


def lake_path(lake: str | None, config: str | None) -> LakePlace:
    """Return the place of the lake, for commands that need no other setting."""
    return settings_from({"lake": lake, "config": config}, needs_token=False).lake


def open_lake(lake: str | None, config: str | None) -> "OpenLake":
    """Open the lake for reading its manifest. Raises LakeError when it is missing, damaged or newer."""
    from collector.lake.lake import Lake

    return Lake.open(lake_path(lake, config))


def settle_catalog(lake: "OpenLake") -> None:
    """Rewrite catalog.duckdb where the lake was moved or changed; it is left out where the lake is read-only."""
    from collector.query.catalog_stamp import is_current

    if is_current(lake):
        return  # found out without duckdb, which `status` does not need
    from collector.query import catalog

    with suppress(CollectorError, OSError):
        catalog.ensure(lake)


def settle_changed(lake: "OpenLake", now: "datetime") -> None:
    """Bring up to date what a lake has beside its tables, which were changed under its lock.

    What keeps the Delta logs or the kept views from it is reported and is no failure.
    """
    from collector.lake import delta
    from collector.query.kept_views import keep_views

    settle_catalog(lake)
    for what, settle in (("Delta logs", partial(delta.follow, lake, now)), ("kept views", partial(keep_views, lake))):
        try:
            settle()
        except CollectorError as error:
            said = f"The {what} are not up to date: {error} The next command that writes does it."
            sys.stderr.write(f"collector: {escape(said)}\n")

"""Everything the program was told, as one frozen value: flags > environment > collector.toml > defaults.

`load` takes flags, environment and directory as arguments, so what it gives depends on nothing else but the
files it is pointed at. With [installations.NAME] tables, each has its own token source: BUDDY_TOKEN is not
handed to all of them, because a token of one installation must never be sent to another.
"""

import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast

from collector.errors import SettingsError
from collector.settings import file as config_file
from collector.settings import parsers as values
from collector.settings.file import SETTINGS, ConfigFile, Setting
from collector.settings.proxies import ignored_proxy
from collector.settings.secret import Secret
from collector.settings.token_command import SECONDS, OutputTooLong, run_token_command

__all__ = ["Afterwards", "Installation", "Secret", "Settings", "exact_names", "load", "selects"]


class TokenUnavailable(SettingsError):
    """The place that a table names for its token gives none just now."""


_BY_NAME = {setting.name: setting for setting in SETTINGS}
_TOKEN_ADVICE = (
    "Make a personal access token in Buddy (your profile, Security) with the scopes WORKSPACE and "
    "EXECUTION_INFO and set "
    "BUDDY_TOKEN, or BUDDY_TOKEN_FILE to a file that holds it. `collector demo` needs none."
)


@dataclass(frozen=True)
class Installation:
    """One Buddy: where it is, who we are there, what is collected, and how fast."""

    name: str
    api_url: str  # no trailing slash; a base path such as /api is kept
    token: Secret
    workspaces: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    requests_per_second: float = 20.0  # 0 = no ceiling of our own
    reserve: int = 50
    concurrency: int = 16
    ca_bundle: Path | None = None
    allow_http: bool = False
    ignored_proxy: str | None = None  # the environment variable by which other programs would use a proxy
    locked: SettingsError | None = None  # why its token could not be had, where other installations go on


@dataclass(frozen=True)
class Afterwards:
    """What is done once a night has ended; all of it may fail without failing the night."""

    summary_file: Path | None = None
    message_file: Path | None = None
    metrics_file: Path | None = None
    notify_url: Secret | None = None
    keep_days: int | None = None  # None: every night is kept
    compact: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are written after a run."""
        wanted = (self.summary_file, self.message_file, self.metrics_file)
        return tuple(path for path in wanted if path is not None)


@dataclass(frozen=True)
class Settings:
    """The whole of what a command was told. `installations` is empty when the command needs no token."""

    installations: tuple[Installation, ...]
    lake: Path
    max_duration_s: float | None = None
    keep_raw: bool = False
    variable_values: Literal["redact", "keep"] = "redact"
    log_format: Literal["text", "json"] = "text"
    log_level: str = "info"
    afterwards: Afterwards = Afterwards()

    def fingerprint(self) -> str:
        """16 hex digits over what decides the rows: a run begun with other ones cannot be resumed. No token,
        no speed.
        """
        decisive = {
            "installations": sorted(
                (each.name, each.api_url, sorted(each.workspaces), sorted(each.projects)) for each in self.installations
            ),
            "variable_values": self.variable_values,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def selects(globs: tuple[str, ...], name: str) -> bool:
    """Whether `name` is collected: it matches a pattern (any name does when only excludes are written) and no
    exclude.
    """
    wanted = [glob for glob in globs if not glob.startswith("!")]
    if wanted and not any(fnmatchcase(name, glob) for glob in wanted):
        return False
    return not any(fnmatchcase(name, glob[1:]) for glob in globs if glob.startswith("!"))


def exact_names(globs: tuple[str, ...]) -> tuple[str, ...] | None:
    """The names themselves when no pattern has a wildcard, so that no list need be asked for; None when one
    must be.
    """
    wanted = [glob for glob in globs if not glob.startswith("!")]
    if not wanted or any(char in glob for glob in wanted for char in "*?["):
        return None
    return tuple(name for name in wanted if selects(globs, name))


def load(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    needs_token: bool = True,
    run_command: Callable[[str], str] = run_token_command,
) -> Settings:
    """Join the four sources. `flags` is keyed by setting name (plus `config`); None, "" and () mean not
    given.

    Raises SettingsError with advice for anything that cannot be used.

    """
    config = flags.get("config")
    path = config_file.find(None if config is None else str(config), environ, cwd)
    source = _Sources(flags, environ, cwd, None if path is None else config_file.read(path), run_command)
    return Settings(
        installations=source.installations() if needs_token else (),
        lake=cast(Path, source.path("lake")),
        max_duration_s=cast(float | None, source.value("max_duration")),
        keep_raw=cast(bool, source.value("keep_raw")),
        variable_values=cast(Any, source.value("variable_values")),
        log_format=cast(Any, source.value("log_format")),
        log_level=cast(str, source.value("log_level")),
        afterwards=Afterwards(
            summary_file=source.path("summary_file"),
            message_file=source.path("message_file"),
            metrics_file=source.path("metrics_file"),
            notify_url=cast(Secret | None, source.value("notify_url")),
            keep_days=cast(int | None, source.value("keep")),
            compact=cast(bool, source.value("compact")),
        ),
    )


@dataclass(frozen=True)
class _Sources:
    """The four places a setting may come from, in order of precedence."""

    flags: Mapping[str, object]
    environ: Mapping[str, str]
    cwd: Path
    file: ConfigFile | None
    run_command: Callable[[str], str]

    def written(self, setting: Setting, table: Mapping[str, object] | None = None) -> tuple[object, str] | None:
        """What somebody wrote and the name they know it by; blank is as good as unset."""
        flag = self.flags.get(setting.name)
        if flag is not None and flag != () and flag != "":
            return flag, setting.flags[-1]
        for name in setting.environ:
            if (value := self.environ.get(name, "").strip()) != "":
                return value, name
        for layer in (table, self.file.top if self.file else None):
            if layer is not None and setting.name in layer:
                return layer[setting.name], f"`{setting.name}` in {cast(ConfigFile, self.file).path.name}"
        return None

    def value(self, name: str, table: Mapping[str, object] | None = None) -> object:
        setting = _BY_NAME[name]
        found = self.written(setting, table)
        return setting.default if found is None else setting.read(*found)

    def path(self, name: str, table: Mapping[str, object] | None = None) -> Path | None:
        """A path, relative to whoever wrote it: the file's own directory, or the current one."""
        setting = _BY_NAME[name]
        value, where = self.written(setting, table) or (setting.default, "")
        if value is None:
            return None
        return self._absolute(cast(str, setting.read(value, where)), from_file=where.startswith("`"))

    def _absolute(self, written: str, *, from_file: bool) -> Path:
        home = self.environ.get("HOME", "")
        path = Path(home) / written[2:] if written.startswith("~/") and home else Path(written)
        return (cast(ConfigFile, self.file).directory if from_file else self.cwd) / path

    def installations(self) -> tuple[Installation, ...]:
        tables = self.file.installations if self.file else {}
        if not tables:
            return (self._single(),)
        for name in (*_BY_NAME["api_url"].environ, *_BY_NAME["region"].environ):
            if self.environ.get(name, "").strip():
                raise SettingsError(
                    f"{name} is set, and {cast(ConfigFile, self.file).path} names its installations itself.",
                    f"Unset {name}, or name another file with --config.",
                )
        found = tuple(self._of_table(name, table) for name, table in tables.items())
        locked = [each.locked for each in found if each.locked is not None]
        if len(locked) == len(found):
            raise locked[0]
        return found

    def _of_table(self, name: str, table: Mapping[str, object]) -> Installation:
        """One of several installations; a token that can't be had tonight is not the others' trouble."""
        try:
            return self._installation(name, table, self._table_token(name, table))
        except TokenUnavailable as error:
            return replace(self._installation(name, table, Secret("")), locked=error)

    def _single(self) -> Installation:
        return self._installation(
            None, {}, self._environ_token() or self._table_token("", self.file.top if self.file else {})
        )

    def _installation(self, name: str | None, table: Mapping[str, object], token: Secret) -> Installation:
        allow_http = cast(bool, self.value("allow_http", table))
        url = self._url(table, allow_http)
        ca_bundle = self.path("ca_bundle", table)
        if ca_bundle is not None and not ca_bundle.is_file():
            raise SettingsError(
                f"The CA bundle {ca_bundle} is not a file.", "Name a PEM file that holds the certificates to trust."
            )
        return Installation(
            name=name or values.name_of(url),
            api_url=url,
            token=token,
            workspaces=cast(tuple[str, ...], self.value("workspaces", table)),
            projects=cast(tuple[str, ...], self.value("projects", table)),
            requests_per_second=cast(float, self.value("requests_per_second", table)),
            reserve=cast(int, self.value("reserve", table)),
            concurrency=cast(int, self.value("concurrency", table)),
            ca_bundle=ca_bundle,
            allow_http=allow_http,
            ignored_proxy=ignored_proxy(url, self.environ),
        )

    def _url(self, table: Mapping[str, object], allow_http: bool) -> str:
        """The URL where one is written, else the region's. An installation's own region wins over the file's
        top-level URL.
        """
        region = self.value("region", table)  # read even when a URL wins: a misspelt region is an error all the same
        inherits = (
            table if "api_url" in table or "region" not in table else {**table, "api_url": values.REGIONS[str(region)]}
        )
        found = self.written(_BY_NAME["api_url"], inherits)
        if found is None:
            return values.REGIONS[str(region)]
        return values.api_url(*found, allow_http=allow_http)

    def _environ_token(self) -> Secret | None:
        if (token := self.environ.get("BUDDY_TOKEN", "").strip()) != "":
            return Secret(values.token(token, "BUDDY_TOKEN"))
        if (name := self.environ.get("BUDDY_TOKEN_FILE", "").strip()) != "":
            return self._file_token(self._absolute(name, from_file=False), "BUDDY_TOKEN_FILE")
        return None

    def _table_token(self, name: str, table: Mapping[str, object]) -> Secret:
        """The token from the one source that the table names."""
        keys = [key for key in config_file.TOKEN_KEYS if key in table]
        place = f"[installations.{name}]" if name else "collector.toml"
        if not keys and not name:
            raise SettingsError("There is no token: BUDDY_TOKEN is not set.", _TOKEN_ADVICE)
        if len(keys) != 1:
            raise SettingsError(
                f"{place} names {len(keys)} sources of its token.",
                f"Give it exactly one of {', '.join(config_file.TOKEN_KEYS)}.",
            )
        key, where = keys[0], f"`{keys[0]}` of {place}"
        written = values.text(table[key], where)
        if key == "token_file":
            return self._file_token(self._absolute(written, from_file=True), where)
        if key == "token_command":
            return self._command_token(written, where)
        if not self.environ.get(written, "").strip():
            raise TokenUnavailable(
                f"{where} names {written}, which is not set in the environment.", f"Set {written} to a token."
            )
        return Secret(values.token(self.environ[written], written))

    def _file_token(self, path: Path, where: str) -> Secret:
        try:
            held = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as why:
            reason = why.strerror if isinstance(why, OSError) else "it is not text"
            raise TokenUnavailable(
                f"{where} names {path}, which cannot be read: {reason}.", "Name a file that holds the token."
            ) from None
        return Secret(values.token(held, f"{path} ({where})"))

    def _command_token(self, command: str, where: str) -> Secret:
        """What the command prints. Its own messages are not repeated: they may hold what it was asked for."""
        advice = "Run it by hand in the same environment; it must print the token, alone, without asking anything."
        try:
            printed = self.run_command(command)
        except subprocess.CalledProcessError as why:
            raise TokenUnavailable(f"The command in {where} ended with code {why.returncode}.", advice) from None
        except subprocess.TimeoutExpired:
            raise TokenUnavailable(
                f"The command in {where} did not end within {SECONDS:.0f} seconds and was stopped.", advice
            ) from None
        except OutputTooLong:
            raise TokenUnavailable(
                f"The command in {where} printed far more than a token and was stopped.", advice
            ) from None
        except OSError:
            raise TokenUnavailable(f"The command in {where} could not be started.", advice) from None
        return Secret(values.token(printed, f"what {where} printed"))

"""The places where a setting may be written, in order of precedence: flags, environment, collector.toml.

An unknown key in collector.toml is an error that names it.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from collector.errors import SettingsError
from collector.settings.declarations import PER_INSTALLATION, SETTINGS
from collector.settings.escape import quote
from collector.settings.setting import Setting, declared
from collector.settings.suggestions import did_you_mean

# Where an installation's token comes from. The token itself does not belong in a file that is copied and shown.
TOKEN_KEYS: Final = ("token_env", "token_file", "token_command")
# It stands in the `installation` column and can be typed without quotes.
_INSTALLATION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ConfigFile:
    """The content of collector.toml: keys are checked, values are not parsed yet."""

    path: Path
    top: Mapping[str, object]
    installations: Mapping[str, Mapping[str, object]]


# No repr: an environment holds tokens.
@dataclass(frozen=True, repr=False)
class Sources:
    """All that was written for one command."""

    flags: Mapping[str, object]  # by key
    environ: Mapping[str, str]
    cwd: Path
    file: ConfigFile

    def written(self, setting: Setting, *tables: Mapping[str, object]) -> tuple[object, str, Path] | None:
        """Return what was written at the place of highest precedence; blank is the same as nothing.

        With it come the name by which its writer knows the place, and the directory to which a path is relative.
        `tables` of one installation go before the top of the file. A switch that is off is a flag that was not
        given: it does not override the environment.
        """
        flag = self.flags.get(setting.key)
        if flag is not None and flag is not False and flag not in ("", ()):
            return flag, setting.flags[-1], self.cwd
        for name in setting.variables:
            if value := self.environ.get(name, "").strip():
                return value, name, self.cwd
        for layer in (*tables, self.file.top):
            if setting.key in layer:
                return layer[setting.key], f"`{setting.key}` in {self.file.path.name}", self.file.path.parent
        return None

    def value(self, setting: Setting, *tables: Mapping[str, object]) -> Any:
        """Return the parsed value, else the default; a path is absolute."""
        written = self.written(setting, *tables)
        value, directory = setting.default, self.cwd
        if written is not None:
            value, directory = setting.parse(*written[:2]), written[2]
        return self.absolute(value, directory) if isinstance(value, Path) else value

    def values(self, section: type, *tables: Mapping[str, object]) -> dict[str, Any]:
        """Return the value of each setting that a dataclass declares, by the names of its fields."""
        return {field: self.value(setting, *tables) for field, setting in declared(section).items()}

    def absolute(self, path: Path, directory: Path) -> Path:
        """Return a path below `directory`, or below the home directory where it begins with `~/`."""
        home = self.environ.get("HOME")
        return Path(home, *path.parts[1:]) if home and path.parts[:1] == ("~",) else directory / path


def find_config_file(flag: object, environ: Mapping[str, str], cwd: Path) -> ConfigFile:
    """Read the file of `--config`, else of `$COLLECTOR_CONFIG`, else ./collector.toml; empty when there is none."""
    for written, where in ((flag, "--config"), (environ.get("COLLECTOR_CONFIG"), "COLLECTOR_CONFIG")):
        if written and (name := str(written).strip()):
            if (path := cwd / name).is_file():
                return _read(path)
            advice = "Correct the path, or write a first file with `collector init`."
            raise SettingsError(f"{where} names {path}, and there is no such file.", advice)
    path = cwd / "collector.toml"
    return _read(path) if path.is_file() else ConfigFile(path, {}, {})


def _read(path: Path) -> ConfigFile:
    try:
        parsed: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{path} cannot be read: {reason}.", "Correct that, or name another file.") from error
    except tomllib.TOMLDecodeError as error:
        advice = "Correct that line; `collector init` shows the form."
        raise SettingsError(f"{path} is not valid TOML: {error}.", advice) from error
    installations = parsed.pop("installations", {})
    if not isinstance(installations, dict) or not all(isinstance(table, dict) for table in installations.values()):
        raise SettingsError(f"`installations` in {path} is not a table.", "Write one [installations.NAME] for each.")
    _refuse_unknown_keys(parsed, {"installations", *(setting.key for setting in SETTINGS)}, str(path))
    for name, table in installations.items():
        if not _INSTALLATION_NAME.fullmatch(name):
            advice = "Use letters, digits, '.', '_' and '-', and begin with a letter or digit."
            raise SettingsError(f"{path} names an installation {quote(name)}.", advice)
        _refuse_unknown_keys(table, {setting.key for setting in PER_INSTALLATION}, f"[installations.{name}] in {path}")
    return ConfigFile(path, parsed, installations)


def _refuse_unknown_keys(table: Collection[str], settings: set[str], place: str) -> None:
    known = sorted(settings | set(TOKEN_KEYS))
    for key in table:
        if key == "token":
            raise SettingsError(
                f"{place} holds a `token`. A token does not belong in a file that is copied and shown.",
                f"Remove it, revoke it if others could read it, and name its source: {', '.join(TOKEN_KEYS)}.",
            )
        if key not in known:
            advice = f"{did_you_mean(key, known)}Known keys: {', '.join(known)}."
            raise SettingsError(f"{place} holds an unknown key {quote(key)}.", advice)

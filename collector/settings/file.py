"""The file that may hold the settings.

An unknown key is an error that names it: a misspelt setting that is silently ignored would be found out in the
morning.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.errors import SettingsError
from collector.settings import parsers as values
from collector.settings.declarations import SETTINGS, TOKEN_KEYS, Setting

__all__ = ["SETTINGS", "TOKEN_KEYS", "ConfigFile", "Setting", "find", "read"]


@dataclass(frozen=True)
class ConfigFile:
    """What collector.toml says: keys checked, values not yet read. Relative paths in it are relative to
    `directory`.
    """

    path: Path
    top: Mapping[str, object]
    installations: Mapping[str, Mapping[str, object]]

    @property
    def directory(self) -> Path:
        return self.path.parent


def find(flag: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to read: `--config`, `$COLLECTOR_CONFIG`, or ./collector.toml where it exists; None when there
    is none.
    """
    for written, where in ((flag, "--config"), (environ.get("COLLECTOR_CONFIG"), "COLLECTOR_CONFIG")):
        if written and written.strip():
            path = cwd / Path(written.strip())
            if not path.is_file():
                raise SettingsError(
                    f"{where} names {path}, and there is no such file.",
                    "Correct the path, or write a starting file with `collector init`.",
                )
            return path
    path = cwd / "collector.toml"
    return path if path.is_file() else None


def read(path: Path) -> ConfigFile:
    """Parse the file and refuse every key that is not a setting."""
    try:
        parsed: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as why:
        raise SettingsError(
            f"{path} cannot be read: {why.strerror}.", "Make it readable, or name another file."
        ) from why
    except UnicodeDecodeError as why:
        raise SettingsError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from why
    except tomllib.TOMLDecodeError as why:
        raise SettingsError(
            f"{path} is not valid TOML: {why}.", "Correct that line; `collector init` shows the form."
        ) from why
    installations = parsed.pop("installations", {})
    if not isinstance(installations, dict) or not all(isinstance(table, dict) for table in installations.values()):
        raise SettingsError(f"`installations` in {path} is not a table.", "Write one [installations.NAME] for each.")
    _refuse_unknown(parsed, {setting.name for setting in SETTINGS} | set(TOKEN_KEYS) | {"installations"}, path, "")
    known = {setting.name for setting in SETTINGS if setting.per_installation} | set(TOKEN_KEYS)
    for name, table in installations.items():
        values.installation_name(name, str(path))
        _refuse_unknown(table, known, path, f" under [installations.{name}]")
    return ConfigFile(path, parsed, installations)


def _refuse_unknown(table: Mapping[str, object], known: set[str], path: Path, place: str) -> None:
    for key in table:
        if key == "token":
            raise SettingsError(
                f"{path} holds a `token`{place}; a token does not belong in a file that is copied and shown.",
                "Take it out, make a new one if others could read it, and name its source: "
                + ", ".join(TOKEN_KEYS)
                + ".",
            )
        if key not in known:
            raise SettingsError(
                f"{path} holds an unknown key {values.shown(key)}{place}.",
                f"{values.nearest(key, known)}Known keys: {', '.join(sorted(known))}.",
            )

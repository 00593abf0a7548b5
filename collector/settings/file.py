"""collector.toml, the file that may hold settings. An unknown key is an error that names it."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from collector.errors import SettingsError
from collector.settings.declarations import PER_INSTALLATION, SETTINGS, TOKEN_KEYS
from collector.settings.escape import quote
from collector.settings.suggestions import did_you_mean

# It stands in the `installation` column and can be typed without quotes.
_INSTALLATION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ConfigFile:
    """The content of collector.toml: keys are checked, values are not parsed yet."""

    path: Path
    top: Mapping[str, object]
    installations: Mapping[str, Mapping[str, object]]


def find_config_file(flag: object, environ: Mapping[str, str], cwd: Path) -> ConfigFile:
    """Read the file of `--config`, else of `$COLLECTOR_CONFIG`, else ./collector.toml; empty when there is none."""
    for written, where in ((flag, "--config"), (environ.get("COLLECTOR_CONFIG"), "COLLECTOR_CONFIG")):
        if written and (name := str(written).strip()):
            if (path := cwd / name).is_file():
                return _read(path)
            raise SettingsError(
                f"{where} names {path}, and there is no such file.",
                "Correct the path, or write a first file with `collector init`.",
            )
    path = cwd / "collector.toml"
    return _read(path) if path.is_file() else ConfigFile(path, {}, {})


def _read(path: Path) -> ConfigFile:
    try:
        parsed: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{path} cannot be read: {reason}.", "Correct that, or name another file.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}.", "Correct that line; `collector init` shows the form."
        ) from error
    installations = parsed.pop("installations", {})
    if not isinstance(installations, dict) or not all(isinstance(table, dict) for table in installations.values()):
        raise SettingsError(f"`installations` in {path} is not a table.", "Write one [installations.NAME] for each.")
    _refuse_unknown_keys(parsed, {"installations", *(setting.key for setting in SETTINGS)}, str(path))
    for name, table in installations.items():
        if not _INSTALLATION_NAME.fullmatch(name):
            raise SettingsError(
                f"{path} names an installation {quote(name)}.",
                "Use letters, digits, '.', '_' and '-', and begin with a letter or digit.",
            )
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
            raise SettingsError(
                f"{place} holds an unknown key {quote(key)}.",
                f"{did_you_mean(key, known)}Known keys: {', '.join(known)}.",
            )

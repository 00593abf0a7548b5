"""The places where a setting may be written, in order of precedence: flags, environment, collector.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.settings.file import ConfigFile
from collector.settings.setting import Setting, declared


# Neither has a repr: an environment holds tokens, and what was written may be a secret.
@dataclass(frozen=True, repr=False)
class Written:
    """What somebody wrote, the name by which they know it, and the directory to which a path in it is relative."""

    value: object
    where: str
    directory: Path


@dataclass(frozen=True, repr=False)
class Sources:
    """All that was written for one command."""

    flags: Mapping[str, object]  # by key
    environ: Mapping[str, str]
    cwd: Path
    file: ConfigFile

    def written(self, setting: Setting, *tables: Mapping[str, object]) -> Written | None:
        """Return what was written at the place of highest precedence; blank is the same as nothing.

        `tables` of one installation go before the top of the file. A switch that is off is a flag that was not
        given: it does not override the environment.
        """
        flag = self.flags.get(setting.key)
        if flag is not None and flag is not False and flag not in ("", ()):
            return Written(flag, setting.flags[-1], self.cwd)
        for name in setting.variables:
            if value := self.environ.get(name, "").strip():
                return Written(value, name, self.cwd)
        for layer in (*tables, self.file.top):
            if setting.key in layer:
                where = f"`{setting.key}` in {self.file.path.name}"
                return Written(layer[setting.key], where, self.file.path.parent)
        return None

    def value(self, setting: Setting, *tables: Mapping[str, object]) -> Any:
        """Return the parsed value, else the default; a path is absolute."""
        found = self.written(setting, *tables)
        value = setting.default if found is None else setting.parse(found.value, found.where)
        if isinstance(value, Path):
            return self.absolute(value, self.cwd if found is None else found.directory)
        return value

    def values(self, section: type, *tables: Mapping[str, object]) -> dict[str, Any]:
        """Return the value of each setting that a dataclass declares, by the names of its fields."""
        return {field: self.value(setting, *tables) for field, setting in declared(section).items()}

    def absolute(self, path: Path, directory: Path) -> Path:
        """Return a path below `directory`, or below the home directory where it begins with `~/`."""
        home = self.environ.get("HOME")
        return Path(home, *path.parts[1:]) if home and path.parts[:1] == ("~",) else directory / path

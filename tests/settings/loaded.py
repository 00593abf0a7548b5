"""Settings as a command would load them, in a directory of their own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from collector.errors import SettingsError
from collector.settings.declarations import Installation, Settings
from collector.settings.loading import load

TOKEN = "tok-3f9c1d77aa"
ENVIRON = {"BUDDY_TOKEN": TOKEN}


def loaded(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
) -> Settings:
    """Load the settings, with a token in the environment unless `environ` says otherwise."""
    if toml is not None:
        (cwd / "collector.toml").write_text(toml, encoding="utf-8")
    return load(flags or {}, ENVIRON if environ is None else environ, cwd)


def one(settings: Settings) -> Installation:
    """Return the only installation."""
    (installation,) = settings.installations
    return installation


def refused(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
) -> str:
    """Return the message and the advice of the refusal: one paragraph without the token."""
    with pytest.raises(SettingsError) as caught:
        loaded(cwd, flags, environ, toml)
    error = caught.value
    assert error.exit_code == 2
    assert error.advice.strip()
    whole = f"{error} {error.advice}"
    assert TOKEN not in whole
    assert "\n" not in whole
    return whole

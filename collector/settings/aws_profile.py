"""Reads the profile of the AWS tools: the keys and the region that `~/.aws/credentials` and `~/.aws/config` hold.

Only keys that are written there are read. A profile that logs in or assumes a role needs the AWS command line, which
prints its keys as environment variables.
"""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.errors import SettingsError
from collector.settings.escape import quote

_KEYS: Final = {
    "aws_access_key_id": "aws_access_key_id",
    "aws_secret_access_key": "aws_secret_access_key",
    "aws_session_token": "aws_session_token",
    "region": "aws_region",
    "endpoint_url": "aws_endpoint_url",
}
# What a profile may say instead of keys.
_OTHER_WAYS: Final = ("sso_session", "sso_start_url", "role_arn", "credential_process", "login_session")


def profile_options(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the chosen profile says, by the names of the environment variables in lower case.

    Empty where the environment holds keys, or no profile exists: then the roles of the machine are asked. Raises
    SettingsError for a profile that is named and missing, or that holds no keys but another way to get them.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    home = Path(environ.get("HOME") or Path.home(), ".aws")
    name = environ.get("AWS_PROFILE", "").strip()
    wanted = name or "default"
    found: dict[str, str] = {}
    for file, section in (
        (environ.get("AWS_CONFIG_FILE") or home / "config", wanted if wanted == "default" else f"profile {wanted}"),
        (environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials", wanted),
    ):
        found |= _section(Path(file), section)
    if name and not found:
        raise SettingsError(
            f"AWS_PROFILE is {quote(name)}, and there is no such profile.", "Correct it; `aws configure list-profiles`."
        )
    if "aws_access_key_id" not in found and any(way in found for way in _OTHER_WAYS):
        raise SettingsError(
            f"The AWS profile {quote(wanted)} holds no keys: it logs in or assumes a role.",
            'Run `eval "$(aws configure export-credentials --format env)"` before this command.',
        )
    return {_KEYS[key]: value for key, value in found.items() if key in _KEYS}


def _section(path: Path, name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser[name]) if name in parser else {}
    except (configparser.Error, UnicodeDecodeError):
        # The error's text quotes the line, which may hold a key.
        raise SettingsError(f"{path} cannot be read as a file of the AWS tools.", "Correct it.") from None

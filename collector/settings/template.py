"""The commented settings file that `collector init` writes, made from the declarations of the settings."""

import json
import textwrap
from collections.abc import Iterable

from collector.settings.declarations import PER_INSTALLATION, AfterRun, Settings
from collector.settings.setting import Setting, declared

_HEAD = """\
# Settings of the collector. Flags and environment variables win over this file. Paths are relative to this file.
# To change a setting, remove the # before its name.
"""
_TOKEN = """\
# The token itself must not stand in this file. Name one source of it: a variable, a file, or a command that prints it.
token_env = "BUDDY_TOKEN"
#token_file = "~/.buddy-token"
#token_command = "pass show buddy"
"""
_INSTALLATIONS = """\
# Several installations in one run: one table each, with its own source of a token. A table may hold any setting of the
# section "One installation of Buddy"; what it does not hold comes from there, except the token.
#[installations.eu]
#region = "EU"
#token_file = "/etc/collector/eu.token"
#reserve = 200

#[installations.onprem]
#api_url = "https://buddy.example.com/api"
#token_command = "pass show buddy/onprem"
#ca_bundle = "company-ca.pem"
"""


def template() -> str:
    """Return the file. Every setting is in it, commented out, with its default or else an example."""
    return "\n".join(
        (
            _HEAD,
            _section("The run", declared(Settings).values()),
            _section("After the run; a failure here does not fail the run", declared(AfterRun).values()),
            _section("One installation of Buddy", PER_INSTALLATION),
            _TOKEN,
            _INSTALLATIONS,
        )
    )


def _section(title: str, settings: Iterable[Setting]) -> str:
    lines = [f"## {title}"]
    for setting in settings:
        lines += ["", *textwrap.wrap(setting.meaning, 110, initial_indent="# ", subsequent_indent="# ")]
        default = setting.written or setting.default
        value = setting.example if default is None or default == () else default
        # JSON is TOML for a text, a number, a boolean and a list.
        lines.append(f"#{setting.key} = {json.dumps(value, default=lambda path: f'./{path}')}")
    return "\n".join(lines) + "\n"

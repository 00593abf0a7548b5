"""`collector init`: a commented settings file to start from."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from collector.after_run.output_file import replace_file
from collector.cli.failures import warn_on_output_error
from collector.errors import SettingsError

TEMPLATE: Final = """\
# Settings of the collector. Flags and environment variables win over what is written here.
# A token never stands in this file: it only says where the token is found.

lake = "./lake"                  # relative to this file
# requests_per_second = 20       # our own ceiling; 0 = none (Buddy's headers are obeyed all the same)
# reserve = 50                   # requests of every rate window left to others
# concurrency = 16
# max_duration = "6h"            # then publish what is whole
# keep_raw = false               # keep the redacted replies
# variable_values = "redact"     # or "keep", for unencrypted variables
# log_format = "text"            # or "json"
# log_level = "info"

# After each night (docs/operating.md); nothing here can make a night fail:
# summary_file = "last-night.json"
# message_file = "morning.md"    # or .txt, or .json
# metrics_file = "/var/lib/node_exporter/textfile/collector.prom"
# notify_url = "https://chat.example.com/hooks/promotions"    # whoever knows it can write there: guard this file
# keep = "400d"                  # drop nights older than this
# compact = true                 # merge the nights of past months

# One Buddy. (With several, delete these lines and use the tables below.)
region = "US"                    # US, EU or AS
# api_url = "https://buddy.example.com/api"    # self-hosted; wins over the region
# ca_bundle = "company-ca.pem"
token_env = "BUDDY_TOKEN"        # or: token_file = "~/.buddy-token"   or: token_command = "pass show buddy"
# workspaces = ["acme", "!acme-sandbox"]       # globs; a leading ! excludes
# projects = ["*", "!playground-*"]

# Several Buddies in one night: one table each, each with its own token source, pace and globs.
# [installations.us]
# region = "US"
# token_env = "BUDDY_TOKEN_US"
#
# [installations.eu]
# region = "EU"
# token_file = "/etc/collector/eu.token"
# reserve = 200
#
# [installations.onprem]
# api_url = "https://buddy.example.com/api"
# token_command = "pass show buddy/onprem"
# ca_bundle = "company-ca.pem"
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(warn_on_output_error()(init))


def init(
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="The file to write.", show_default=True)
    ] = "collector.toml",
) -> int:
    """Write a commented settings file to start from; refuses to overwrite."""
    path = Path(file)
    if path.is_file():
        raise SettingsError(f"{path} is already there.", "Name another file: `collector init OTHER.toml`.")
    try:
        # It holds no token, but it tells where one is.
        replace_file(path, TEMPLATE, mode=0o600)
    except OSError as why:
        raise SettingsError(
            f"{path} cannot be written: {why.strerror}.", "Name a file in a directory that you may write."
        ) from why
    sys.stdout.write(f"Wrote {path}. Look through it, then `collector doctor` checks it against Buddy.\n")
    return 0

"""`collector init`: write a commented settings file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from collector.cli.failures import keep_exit_code
from collector.cli.output import write_text
from collector.errors import SettingsError
from collector.settings.template import template


@keep_exit_code(done=True)
def init(file: Annotated[str, typer.Argument(metavar="[FILE]", help="The file to write.")] = "collector.toml") -> int:
    """Write a commented settings file to start from; never overwrite one."""
    path = Path(file)
    if path.is_file():
        raise SettingsError(f"{path} exists already.", "Name another file: `collector init OTHER.toml`.")
    write_text(template(), file, mode=0o600)  # it holds no token, but it names where one is
    sys.stdout.write(f"Wrote {path}. Edit it, then check it with `collector doctor`.\n")
    return 0

"""`collector catalog`: write the DuckDB catalog anew, also for a place where the lake is mounted under another path."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import options
from collector.cli.output import copy_file
from collector.errors import UsageError
from collector.settings.escape import escape


def catalog(
    root: Annotated[
        str | None,
        typer.Option("--root", metavar="PATH", help="Where the clients find the lake. [default: where it is now]"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write. [default: catalog.duckdb in the lake]"),
    ] = None,
    lake: options.Lake = None,
    config: options.Config = None,
) -> int:
    """Write a DuckDB catalog of the lake. Its views and comments are for clients that find the lake at --root."""
    if root is not None and not Path(root).is_absolute():
        raise UsageError(f"--root is not an absolute path: {root!r}.", "Clients look for the files under that path.")
    if root is not None and output is None:
        raise UsageError(
            "--root needs -o FILE.",
            "The catalog in the lake is for the place where the lake is now; name another file.",
        )
    from collector.query import catalog as catalogs

    opened = options.open_lake(lake, config)
    if output is None:
        catalogs.build(opened)
    else:
        with tempfile.TemporaryDirectory(prefix="collector-") as folder:
            made = Path(folder, catalogs.FILE_NAME)
            catalogs.make(opened, made, Path(root) if root else None)
            catalogs.remove_logs(Path(output))
            copy_file(made, output)
    sys.stderr.write(f"Wrote {escape(output or str(opened.path / catalogs.FILE_NAME))}\n")
    return 0

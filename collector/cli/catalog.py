"""`collector catalog`: describe the lake for other programs, by a DuckDB catalog or by Delta Lake logs.

A catalog can be written for a place where the lake is mounted under another path; logs have relative paths.
"""

import sys
import tempfile
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import options
from collector.cli.output import copy_file
from collector.errors import UsageError
from collector.settings.escape import escape

CatalogFormat = StrEnum("CatalogFormat", ["duckdb", "delta"])


def catalog(
    root: Annotated[
        str | None,
        typer.Option("--root", metavar="PATH|URL", help="Where the clients find the lake. [default: where it is now]"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write. [default: catalog.duckdb in the lake]"),
    ] = None,
    form: Annotated[
        CatalogFormat,
        typer.Option("--format", "-f", help="A DuckDB catalog, or logs by which each table is a Delta Lake table."),
    ] = CatalogFormat.duckdb,
    lake: options.Lake = None,
    config: options.Config = None,
) -> int:
    """Write a DuckDB catalog of the lake. Its views and comments are for clients that find the lake at --root."""
    if form is CatalogFormat.delta:
        return _write_delta_logs(root or output, lake, config)
    if root is not None and not Path(root).is_absolute() and "://" not in root:
        raise UsageError(
            f"--root is not an absolute path or a URL: {root!r}.", "Clients look for the files under that path."
        )
    if root is not None and output is None:
        raise UsageError(
            "--root needs -o FILE.",
            "The catalog in the lake is for the place where the lake is now; name another file.",
        )
    from collector.query import catalog as catalogs
    from collector.query.catalog_stamp import CATALOG

    opened = options.open_lake(lake, config)
    if output is None:
        catalogs.build(opened)
    else:
        with tempfile.TemporaryDirectory(prefix="collector-") as folder:
            made = Path(folder, CATALOG)
            catalogs.make(opened, made, root)
            catalogs.remove_logs(Path(output))
            copy_file(made, output)
    sys.stderr.write(f"Wrote {escape(output or f'{opened.where}/{CATALOG}')}\n")
    return 0


def _write_delta_logs(unused: str | None, lake: str | None, config: str | None) -> int:
    if unused is not None:
        raise UsageError(
            "--format delta takes neither --root nor -o.",
            "The logs belong into the lake, and their paths are relative: they hold wherever the lake is mounted.",
        )
    from collector.lake import delta

    opened = options.open_lake(lake, config)
    now = datetime.now(UTC)
    with opened.writing("catalog", now):
        delta.follow(opened, now, wanted=True)
    sys.stderr.write(f"Wrote {escape(f'{opened.where}/{delta.VERSIONS}')} and the logs of its tables\n")
    return 0

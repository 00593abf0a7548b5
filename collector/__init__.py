"""Collects every promote-image action of Buddy, keeps every night, and answers questions about them.

In a notebook: `lake = collector.open_lake("lake")`, then `lake.ask("what_changed")` and `lake.sql("select …")`.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.query.reader import LakeReader

__all__ = ["__version__", "open_lake"]

__version__ = "0.1.0"


def open_lake(path: "str | PathLike[str]" = "lake") -> "LakeReader":
    """Open the lake at `path` for asking; each question sees one consistent set of nights, the newest there is.

    Raises SettingsError for a URL, LakeError when there is no lake, or it is damaged or of a newer format.
    """
    # Here and not above, so that `collector --help` loads neither Arrow nor DuckDB.
    from os import fspath
    from pathlib import Path

    from collector.config_values import directory
    from collector.lake.lake import Lake
    from collector.query.reader import LakeReader

    opened = Path(directory(fspath(path), "the path of the lake"))
    return LakeReader(lambda: Lake.open(opened))

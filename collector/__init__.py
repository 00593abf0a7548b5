"""Collect every promote-image action of Buddy, keep every run, and answer questions about them.

In a notebook: `lake = collector.open_lake("lake")`, then `lake.ask("what_changed")` and `lake.sql("select …")`.
"""

from os import PathLike
from typing import TYPE_CHECKING

from collector._version import __version__

if TYPE_CHECKING:
    from collector.query.reader import LakeReader

__all__ = ["__version__", "open_lake"]


def open_lake(path: "str | PathLike[str]" = "lake") -> "LakeReader":
    """Return a reader of the lake at `path`; each question sees one consistent set of runs, the newest there is.

    Raises SettingsError for a URL, LakeError when there is no lake, or it is damaged or of a newer format.
    """
    # Imported here, so that `import collector` and `collector --help` load neither Arrow nor DuckDB.
    from collector.query import reader

    return reader.open_lake(path)

"""The optional parts of the installation: a module that is missing becomes advice that names the extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from collector.errors import UsageError

DISTRIBUTION: Final = "promote-image-collector"
# Each extra with the modules that only it brings. pyproject.toml declares the extras.
EXTRAS: Final = {
    "engines": ("pyspark", "sqlglot"),
    "pandas": ("pandas",),
    "polars": ("polars",),
    "report": ("jinja2",),
    "s3": ("obstore",),
}


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around an import of an optional library: raises UsageError, which names the extra, where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS[extra]:
            raise
        raise UsageError(
            f"The library {error.name} is not installed; it belongs to the extra `{extra}`.",
            f"Install the collector with it, for example: pip install '{DISTRIBUTION}[{extra}]'. "
            f"If the collector was installed from a file, write [{extra}] behind the file's name.",
        ) from None

"""Finds a proxy that other programs would use; the collector uses none.

Only the name of the environment variable is reported: its value may hold a password.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["ignored_proxy"]


def ignored_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable by which other programs would reach `url` through a proxy, None when there is none."""
    parts = urlsplit(url)
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if any(_matches(entry, parts.hostname or "", parts.netloc) for entry in exceptions.split(",")):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name, "").strip()), None)


def _matches(entry: str, host: str, host_and_port: str) -> bool:
    """Return whether an entry of NO_PROXY covers a host: `*`, its name, or the end of its name from a dot on."""
    domain = entry.strip().lower().lstrip(".")
    return domain == "*" or (domain != "" and any(f".{name}".endswith(f".{domain}") for name in (host, host_and_port)))

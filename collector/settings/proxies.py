"""Finds a proxy that other programs would use; the collector uses none.

Only the name of the environment variable is reported: its value may hold a password.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def ignored_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable by which other programs would reach `url` through a proxy, None when there is none."""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # slow to import

    parts = urlsplit(url)
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if "*" in exceptions.replace(" ", "").split(",") or proxy_bypass_environment(parts.netloc, {"no": exceptions}):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name, "").strip()), None)

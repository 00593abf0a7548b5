"""Which variable names a proxy that other programs would use and the collector does not.

Only the variable's name is ever told: its value may hold a password.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["ignored_proxy"]


def ignored_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """The variable of `environ` by which other programs would reach `url` through a proxy, None when there is none."""
    parts = urlsplit(url)
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if any(_is_or_ends_in(parts.hostname or "", parts.netloc, name) for name in excepted.split(",")):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name, "").strip()), None)


def _is_or_ends_in(host: str, host_and_port: str, written: str) -> bool:
    """Whether an entry of NO_PROXY is meant for a host: `*`, its name, or the end of its name from a dot on."""
    entry = written.strip().lower().lstrip(".")
    return entry == "*" or (
        entry != "" and any(name == entry or name.endswith(f".{entry}") for name in (host, host_and_port))
    )

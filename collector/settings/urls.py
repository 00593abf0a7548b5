"""Parsers of URLs and of Buddy's regions. A URL may hold a password, so no message quotes one whole."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from collector.errors import SettingsError
from collector.settings.escape import quote
from collector.settings.parsers import text
from collector.settings.secret import Secret

# API hosts of Buddy's own installations. Asia-Pacific is `AS` in newer SDKs and `AP` in older ones.
REGIONS: Final = {
    "us": "https://api.buddy.works",
    "eu": "https://api.eu.buddy.works",
    "as": "https://api.asia.buddy.works",
}


def region(value: object, where: str) -> str:
    """Return `us`, `eu` or `as`, from any spelling that Buddy's own tools accept."""
    name = text(value, where).lower()
    name = "as" if name == "ap" else name
    if name not in REGIONS:
        advice = "Write US, EU or AS (AP is accepted for AS); for a self-hosted Buddy set BUDDY_API_URL instead."
        raise SettingsError(f"{where} is {quote(value)}, which is not a region of Buddy.", advice)
    return name


def api_url(value: object, where: str) -> str:
    """Return the base of all requests, without a trailing slash; a base path such as `/api` is kept."""
    written = text(value, where)
    parts = _split(written, where)
    if "@" in parts.netloc:
        raise SettingsError(f"{where} holds a user name or password.", "Remove it; the token goes into BUDDY_TOKEN.")
    if "?" in written or "#" in written:
        advice = "Write only the base, such as https://buddy.example.com/api."
        raise SettingsError(f"{where} holds a '?' or a '#'.", advice)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def notify_url(value: object, where: str) -> Secret:
    """Return an address to post to: https, or plain http to this machine.

    It is a secret: whoever knows the webhook of a chat can post there.
    """
    url = text(value, where)
    parts = _split(url, where)
    require_encryption(url, where, "the message", "Use https; plain http is only for addresses of this machine.")
    if "@" in parts.netloc or parts.fragment:
        advice = "Copy the address as the chat shows it."
        raise SettingsError(f"{where} holds a user name, a password or a '#'.", advice)
    return Secret(url)


def require_encryption(url: str, where: str, what: str, advice: str) -> None:
    """Raise SettingsError for a URL over which `what` would travel unencrypted to another machine."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(f"{where} is plain http to {parts.hostname}: {what} would travel unencrypted.", advice)


def _split(written: str, where: str) -> SplitResult:
    advice = "Write the whole URL: https://api.buddy.works, or https://HOST/api for a self-hosted Buddy."
    try:
        parts = urlsplit(written)
        parts.port  # noqa: B018  urllib checks the port when it is read
    except ValueError:
        # The error of urllib may quote the password.
        raise SettingsError(f"{where} is not a URL.", advice) from None
    if parts.scheme not in {"https", "http"} or "://" not in written:
        raise SettingsError(f"{where} does not begin with https://.", advice)
    if not parts.hostname or any(char.isspace() or ord(char) < 32 for char in written):
        raise SettingsError(f"{where} names no host, or holds spaces.", advice)
    return parts


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine, so that nothing sent to it is seen on a network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_of(url: str) -> str:
    """Return the name of an installation that nobody named: its region, or the host of its URL without the port."""
    host = urlsplit(url).hostname or url
    return next((name for name, base in REGIONS.items() if urlsplit(base).hostname == host), host)


def ignored_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable by which other programs would reach `url` through a proxy, None when there is none.

    It is used only where the setting `proxy` says so. Only the name is reported: the value may hold a password.
    """
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # slow to import

    parts = urlsplit(url)
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if "*" in exceptions.replace(" ", "").split(",") or proxy_bypass_environment(parts.netloc, {"no": exceptions}):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name, "").strip()), None)


def proxy_url(value: str, where: str) -> Secret:
    """Return the URL of an HTTP proxy; as everywhere, http is meant where no scheme is written.

    Raises SettingsError, which does not show the value, for anything else, such as a SOCKS proxy.
    """
    written = value.strip() if "://" in value else f"http://{value.strip()}"
    try:
        parts = urlsplit(written)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() or ord(char) < 32 for char in written):
        advice = "Write http://HOST:PORT, or use no proxy (--proxy off)."
        raise SettingsError(f"{where} is not the URL of an HTTP proxy.", advice)
    return Secret(written)

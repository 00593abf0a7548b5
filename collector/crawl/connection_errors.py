"""The exceptions of aiohttp, ssl and the operating system, in our words: theirs may show headers."""

import ssl
from types import UnionType

import aiohttp
from aiohttp.http import HttpProcessingError

from collector.crawl.body_budget import TooLarge
from collector.crawl.classify import Failure, FailureKind, Permanent, Retry
from collector.crawl.tls import CLOSED_DURING_HANDSHAKE, describe_tls_error


def classify_error(error: BaseException, status: int | None, ignored_proxy: str | None = None) -> Retry | Permanent:
    """Classify an exception of the network, in our words.

    `status` is that of the reply when its head had arrived, `ignored_proxy` the variable that names a proxy.
    """
    kind: FailureKind = "connection"
    if isinstance(error, TooLarge):
        return Permanent(Failure("too_large", status, "the body is larger than this program accepts"))
    if (tls := tls_error(error)) is not None:
        failure = Failure(kind, status, describe_tls_error(tls))
        return Permanent(failure) if isinstance(tls, ssl.CertificateError) else Retry(failure)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Permanent(Failure(kind, status, "the API URL is not one that can be asked"))
    unused = ""
    if ignored_proxy and isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        unused = (
            f"; {ignored_proxy} is set, but the collector does not use proxies: it connects by itself (see --proxy)"
        )
    if isinstance(error, TimeoutError):
        kind = "timeout"
    return Retry(Failure(kind, status, _describe(error) + unused))


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error that `error` is or wraps; None for a body that was cut short."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return None
    wrapped = (getattr(error, name, None) for name in ("certificate_error", "os_error", "__cause__"))
    found = next((each for each in (*wrapped, error) if isinstance(each, ssl.SSLError)), None)
    if isinstance(error, aiohttp.ClientConnectorCertificateError) and found is None:
        return ssl.SSLCertVerificationError()
    return found


# The first that fits; a class comes before those it descends from.
_DESCRIPTIONS: tuple[tuple[type[BaseException] | UnionType, str], ...] = (
    (aiohttp.ConnectionTimeoutError, "no connection within the time allowed"),
    (TimeoutError, "the server sent nothing, or not all of the reply, within the time allowed"),
    (aiohttp.ClientConnectorDNSError, "the server's name was not found"),
    (aiohttp.ClientProxyConnectionError, "the proxy could not be reached"),
    (aiohttp.ClientPayloadError, "the body was cut short or could not be decompressed"),
    (aiohttp.ClientResponseError | HttpProcessingError, "the reply was not HTTP that can be understood"),
    (aiohttp.ClientConnectorError, "the server could not be reached"),
    (aiohttp.ClientError | OSError, "the connection was lost"),
)


def _describe(error: BaseException) -> str:
    if isinstance(getattr(error, "os_error", None), ConnectionResetError):
        # A refused connection has another number: this one was made, and lost before anything could be asked.
        return CLOSED_DURING_HANDSHAKE
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy did not connect to the server (it answered HTTP {getattr(error, 'status', None)})"
    for kind, description in _DESCRIPTIONS:
        if isinstance(error, kind):
            number = error.errno if isinstance(error, aiohttp.ClientConnectorError) else None
            return description if number is None or number < 0 else f"{description} (errno {number})"
    # A fault of the library while it read the reply: its class helps to report it.
    return f"the reply could not be read ({type(error).__name__})"

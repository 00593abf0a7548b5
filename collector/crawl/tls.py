"""TLS: which certificates are trusted, and what a failure means and what to do about it."""

import ssl
from pathlib import Path
from typing import Final

from collector.errors import SettingsError

CLOSED_DURING_HANDSHAKE: Final = (
    "the connection was closed during the TLS handshake, before a certificate was seen; check that this port of the "
    "API URL speaks TLS 1.2 or newer, and that no firewall is in between"
)

_BUNDLE: Final = "--ca-bundle must name a PEM file with the certificate of that authority"
_NAMES: Final = "write a name into the API URL that the certificate holds, or correct the certificate"
# By X509_V_ERR_…: the result of verifying the server's certificate.
_CERTIFICATES: Final = {
    9: "the server's TLS certificate is not valid yet; check this machine's clock, then the certificate",
    10: "the server's TLS certificate has expired; renew it on the server (and check this machine's clock)",
    18: "the server's TLS certificate is self-signed and not trusted; if it is the right one, name a PEM file "
    "that holds it with --ca-bundle",
    19: f"the server's TLS certificate is of a private authority that is not trusted; {_BUNDLE}",
    20: f"the server's TLS certificate is of an authority that is not trusted, or the server does not send the "
    f"certificates in between; {_BUNDLE}",
    23: "the server's TLS certificate was revoked; replace it on the server",
    62: f"the server's TLS certificate is for another host name; {_NAMES}",
    64: f"the server's TLS certificate is for another address; {_NAMES}",
}
_OTHER_CERTIFICATE: Final = (
    "the server's TLS certificate could not be verified; if it is a private one, pass the bundle of its authority with "
    "--ca-bundle"
)
# By what OpenSSL's reason contains; the first that fits. Versions of OpenSSL put different words around these.
_REASONS: Final = (
    (
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PROXY_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH"),
        "the server does not speak TLS on this port, so that it showed no certificate; check the host and the port "
        "of the API URL",
    ),
    (
        ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE", "LEGACY"),
        "the server offers only outdated versions of TLS, so that its certificate was not looked at; enable TLS 1.2 or "
        "1.3 on the server",
    ),
    (
        ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN"),
        "the server demands a client certificate, which the collector does not have; use an address of the API that "
        "asks for a token only",
    ),
    (("UNRECOGNIZED_NAME",), "the server has no TLS certificate for this host name; check the host of the API URL"),
    (
        ("TOO_SMALL", "TOO_WEAK", "SIGNATURE_TYPE"),
        "the server's TLS certificate or key is too weak; replace it on the server",
    ),
    (
        ("HANDSHAKE_FAILURE", "CIPHER", "INSUFFICIENT_SECURITY"),
        "the server refused the TLS handshake, before its certificate was verified; it may demand a client "
        "certificate, or offer outdated ciphers only",
    ),
)
_OTHER_REASON: Final = (
    "TLS failed, and not for what the server's certificate says; check the host and the port of the API URL, and what "
    "stands between it and this machine"
)


def tls_context(ca_bundle: Path | None) -> ssl.SSLContext | bool:
    """Return what aiohttp verifies certificates with. Raises SettingsError when the bundle cannot be read."""
    if ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_bundle))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"The CA bundle {ca_bundle} cannot be read as certificates.",
            "Give --ca-bundle a file with the PEM certificates of the authority that signed the server's.",
        ) from None


def describe_tls_error(error: ssl.SSLError | ssl.CertificateError) -> str:
    """Return what is wrong and what to do, in our words: OpenSSL's may quote what the server sent."""
    if isinstance(error, ssl.CertificateError):
        code = getattr(error, "verify_code", None)
        # 21, "unable to verify the first certificate", is OpenSSL's code for 20 when the server sent only one.
        return _CERTIFICATES.get(20 if code in (2, 21) else code or 0, _OTHER_CERTIFICATE)
    reason = getattr(error, "reason", None) or ""
    return next((words for parts, words in _REASONS if any(part in reason for part in parts)), _OTHER_REASON)

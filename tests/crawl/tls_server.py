"""A server that speaks real TLS, in a thread: unlike asyncio's it sends the alert that says why a handshake failed.

The certificates all hold the public key of `localhost.key`. Made with openssl: `localhost` is self-signed, `expired`
and `early` as well (valid in 2020 and from 2120), `other-name` is for other.example, `signed` is of an authority that
nobody trusts, whose own certificate is the second in `signed-chain`.
"""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent / "certificates"
TRUSTED = HERE / "localhost.pem"


def context(certificate: str = "localhost") -> ssl.SSLContext:
    """TLS with one of the certificates."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(HERE / f"{certificate}.pem", HERE / "localhost.key")
    return made


def outdated() -> ssl.SSLContext:
    """TLS 1.1 at most."""
    made = context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def outdated_ciphers() -> ssl.SSLContext:
    """TLS 1.2 with a cipher that clients of today do not offer."""
    made = context()
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")
    return made


def demanding(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that wants a client certificate."""
    made = context()
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(TRUSTED)
    made.minimum_version = made.maximum_version = version
    return made


@contextmanager
def serving(tls: ssl.SSLContext | bytes | None, body: bytes = b"{}") -> Iterator[str]:
    """Serve on a free port of the loopback: by TLS, or with these very bytes, or (None) with a closed connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, tls, body), daemon=True).start()
        try:
            yield f"https://localhost:{listening.getsockname()[1]}"
        finally:
            # Closing alone does not wake a thread that waits for a connection.
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, tls: ssl.SSLContext | bytes | None, body: bytes) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        connection.settimeout(10)
        threading.Thread(target=_answer, args=(connection, tls, body), daemon=True).start()


def _answer(connection: socket.socket, tls: ssl.SSLContext | bytes | None, body: bytes) -> None:
    with connection, suppress(OSError):
        if isinstance(tls, ssl.SSLContext):
            try:
                with tls.wrap_socket(connection.dup(), server_side=True) as secured:
                    secured.recv(65536)
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    secured.sendall(head.encode() + body)
                    return
            except ssl.SSLError:
                pass
        elif tls is not None:
            connection.recv(65536)
            connection.sendall(tls)
        # A reset would overtake the alert.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

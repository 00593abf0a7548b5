"""A proxy between a client and the object store: it counts requests and bytes, and does what a test scripts.

It forwards every header as it came, so that signatures stay valid.
"""

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CONDITIONS = ("if-match", "if-none-match")
# How S3 names what a status means.
_CODES = {403: "AccessDenied", 404: "NoSuchBucket", 500: "InternalError", 503: "SlowDown"}


@dataclass(frozen=True)
class Passed:
    """A request that came by: its method, its path with the query, and the size of the reply's body."""

    method: str
    path: str
    status: int
    bytes: int


@dataclass
class Rule:
    """What happens to the requests whose `METHOD path` the pattern finds: the next of `effects`, at last nothing."""

    pattern: re.Pattern[str]
    effects: list[str]


@dataclass
class FaultProxy:
    """A running proxy.

    Effects are `503` (or another status: the store is not asked), `reset` (the connection is closed, the store is not
    asked), `cut` (the connection is closed after half of an upload, or of the reply where there is none), `lose` (the
    store is asked and its reply is lost), `slow` (the store is asked after two seconds), `hang` (nothing happens until
    the proxy ends) and `pass`.
    `before` is called with `METHOD path` ahead of each request.
    """

    upstream_port: int
    latency_s: float = 0.0
    ignores_conditions: bool = False
    before: Callable[[str], None] = lambda request: None
    passed: list[Passed] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def script(self, pattern: str, *effects: str) -> None:
        """Let the effects happen, one after another, to requests whose `METHOD path` the pattern finds."""
        self.rules.append(Rule(re.compile(pattern), list(effects)))

    def effect(self, request: str) -> str:
        """Return what is to happen to a request."""
        with self.lock:
            for rule in self.rules:
                if rule.effects and rule.pattern.search(request):
                    return rule.effects.pop(0)
        return "pass"

    def take(self) -> list[Passed]:
        """Return what passed since the last call."""
        with self.lock:
            taken, self.passed = self.passed, []
        return taken


@contextmanager
def proxied(upstream_port: int) -> Iterator[FaultProxy]:
    """Start a proxy in front of a server on this machine."""
    proxy = FaultProxy(upstream_port)

    class Handler(_Handler):
        script = proxy

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: FaultProxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = f"{self.command} {self.path}"
        self.script.before(request)
        effect = self.script.effect(request)
        time.sleep(self.script.latency_s + 2.0 * (effect == "slow"))
        if effect == "hang":
            self.script.ended.wait(60)
        if effect in ("reset", "hang"):
            self._hang_up()
        elif effect.isdigit():
            status = int(effect)
            self._reply(status, {}, f"<Error><Code>{_CODES.get(status, '')}</Code></Error>".encode())
        elif effect == "cut" and body:
            self._ask_half(body)
            self._hang_up()
        else:
            status, headers, content = self._ask(body)
            with self.script.lock:
                self.script.passed.append(Passed(self.command, self.path, status, len(content)))
            if effect == "lose":
                self._hang_up()
            else:
                self._reply(status, headers, content, sent=len(content) // (2 if effect == "cut" else 1))
            if effect == "cut":
                self._hang_up()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = dict(self.headers.items())
        if self.script.ignores_conditions:
            headers = {name: value for name, value in headers.items() if name.lower() not in _CONDITIONS}
        connection = http.client.HTTPConnection("127.0.0.1", self.script.upstream_port, timeout=60)
        try:
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def _ask_half(self, body: bytes) -> None:
        """Send half of a body to the store and hang up, as a network does that fails in an upload."""
        connection = http.client.HTTPConnection("127.0.0.1", self.script.upstream_port, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body[: len(body) // 2])
        connection.close()

    def _reply(self, status: int, headers: dict[str, str], content: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        with suppress(ConnectionError):  # the client may be dead
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[:sent])

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

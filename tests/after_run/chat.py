"""A chat's webhook on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from collector.settings.secret import Secret


class Chat:
    """A chat's webhook: records requests, answers with `code`, and waits for `wait` before if it is set."""

    def __init__(self) -> None:
        self.code = 200
        self.headers: dict[str, str] = {}
        self.wait: threading.Event | None = None
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chat.received.append((self.path, dict(self.headers), json.loads(body)))
                if chat.wait is not None:
                    chat.wait.wait(10)
                self.send_response(chat.code)
                for name, value in chat.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = Secret(f"http://127.0.0.1:{self.server.server_port}/hook/very-secret")


@pytest.fixture
def chat() -> Iterator[Chat]:
    running = Chat()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()

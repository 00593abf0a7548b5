"""The webhook, against a real server on this machine."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from collector.night.notify import NotDelivered, post
from collector.secret import Secret


class Chat:
    """A chat's webhook: remembers what came, answers `code`, after `wait` has been set when there is one."""

    def __init__(self) -> None:
        self.code = 200
        self.headers: dict[str, str] = {}
        self.wait: threading.Event | None = None
        self.came: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chat.came.append((self.path, dict(self.headers), json.loads(body)))
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


def test_delivers_once(chat: Chat) -> None:
    """One POST of JSON; no token, no cookie, no more headers than it takes."""
    post(chat.url, {"text": "größer"})
    ((path, headers, body),) = chat.came
    assert path == "/hook/very-secret"
    assert body == {"text": "größer"}
    assert set(headers) <= {
        "Accept-Encoding", "Content-Length", "Host", "User-Agent", "Content-Type", "Connection",
    }  # fmt: skip


@pytest.mark.parametrize("code", [400, 404, 500, 301, 302, 307, 308])
def test_anything_but_success_is_a_failure(chat: Chat, code: int) -> None:
    """Errors and redirects are not delivered; none is followed, and the address is not in the words."""
    chat.code = code
    chat.headers = {"Location": chat.url.reveal().replace("very-secret", "elsewhere")} if code < 400 else {}
    with pytest.raises(NotDelivered) as caught:
        post(chat.url, {})
    assert str(code) in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert len(chat.came) == 1


def test_a_server_that_does_not_answer(chat: Chat) -> None:
    """The night does not wait for a chat longer than its time."""
    chat.wait = threading.Event()
    began = time.monotonic()
    with pytest.raises(NotDelivered, match=r"no answer|reached|asked"):
        post(chat.url, {}, timeout_s=0.2)
    assert time.monotonic() - began < 5
    chat.wait.set()


def test_nobody_there(chat: Chat) -> None:
    """A refused connection is told in words without the address."""
    url = Secret("http://127.0.0.1:9/very-secret")
    with pytest.raises(NotDelivered, match="could not be reached") as caught:
        post(url, {})
    assert "very-secret" not in str(caught.value)

"""The webhook, against a real server on this machine."""

import threading
import time

import pytest

from collector.after_run.webhook import WebhookFailed, post
from collector.settings.secret import Secret
from tests.after_run.chat import Chat, chat

__all__ = ["chat"]


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
    with pytest.raises(WebhookFailed) as caught:
        post(chat.url, {})
    assert str(code) in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert len(chat.came) == 1


def test_a_server_that_does_not_answer(chat: Chat) -> None:
    """The night does not wait for a chat longer than its time."""
    chat.wait = threading.Event()
    began = time.monotonic()
    with pytest.raises(WebhookFailed, match=r"no answer|reached|asked"):
        post(chat.url, {}, timeout_s=0.2)
    assert time.monotonic() - began < 5
    chat.wait.set()


def test_nobody_there(chat: Chat) -> None:
    """A refused connection is told in words without the address."""
    url = Secret("http://127.0.0.1:9/very-secret")
    with pytest.raises(WebhookFailed, match="could not be reached") as caught:
        post(url, {})
    assert "very-secret" not in str(caught.value)

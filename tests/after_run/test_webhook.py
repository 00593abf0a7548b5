"""The webhook, tested against a real server on this machine."""

import threading
import time

import pytest

from collector.after_run import webhook
from collector.after_run.webhook import WebhookFailed, post
from collector.settings.secret import Secret
from tests.after_run.chat import Chat, chat

__all__ = ["chat"]


def test_delivers_once(chat: Chat) -> None:
    """The message is sent in one POST of JSON, without a token, a cookie or unneeded headers."""
    post(chat.url, {"text": "größer"})
    ((path, headers, body),) = chat.received
    assert path == "/hook/very-secret"
    assert body == {"text": "größer"}
    assert set(headers) <= {
        "Accept-Encoding", "Content-Length", "Host", "User-Agent", "Content-Type", "Connection",
    }  # fmt: skip


@pytest.mark.parametrize("code", [400, 404, 500, 301, 302, 307, 308])
def test_anything_but_success_is_a_failure(chat: Chat, code: int) -> None:
    """An error or a redirect is a failed delivery; no redirect is followed, and the text does not hold the address."""
    chat.code = code
    chat.headers = {"Location": chat.url.reveal().replace("very-secret", "elsewhere")} if code < 400 else {}
    with pytest.raises(WebhookFailed) as caught:
        post(chat.url, {})
    assert str(code) in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert len(chat.received) == 1


def test_a_server_that_does_not_answer(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run does not wait for a chat longer than the time allowed."""
    monkeypatch.setattr(webhook, "_TIMEOUT_S", 0.2)
    chat.wait = threading.Event()
    began = time.monotonic()
    with pytest.raises(WebhookFailed, match="could not be reached"):
        post(chat.url, {})
    assert time.monotonic() - began < 5
    chat.wait.set()


def test_a_refused_connection(chat: Chat) -> None:
    """A refused connection is reported without the address."""
    url = Secret("http://127.0.0.1:9/very-secret")
    with pytest.raises(WebhookFailed, match="could not be reached") as caught:
        post(url, {})
    assert "very-secret" not in str(caught.value)

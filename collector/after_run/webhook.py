"""The webhook: one POST of the morning message to the address that the settings name for it.

It uses urllib and not aiohttp, whose session in crawl/fetcher.py carries the token, so that the token cannot be sent.
Redirects are not followed, only the head of the reply is read, and all of it takes ten seconds at most.
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from collector._version import __version__
from collector.settings.secret import Secret

_TIMEOUT_S = 10.0
_USER_AGENT = f"buddy-promote-image-collector/{__version__}"


class WebhookFailed(Exception):
    """The message was not delivered; the text says why and never holds the address."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post(url: Secret, payload: Mapping[str, Any]) -> None:
    """Post `payload` as JSON. Raises WebhookFailed for anything but a 2xx within ten seconds."""
    outcome: list[str] = []
    # In a thread, because urllib's own timeout is one for each read, and a server may send a byte at a time.
    thread = threading.Thread(target=lambda: outcome.append(_post(url, payload)), name="notify", daemon=True)
    thread.start()
    thread.join(_TIMEOUT_S)
    why = outcome[0] if outcome else "no answer within the time allowed"
    if why:
        raise WebhookFailed(why)


def _post(url: Secret, payload: Mapping[str, Any]) -> str:
    """Return why the payload was not delivered, "" when it was."""
    request = urllib.request.Request(
        url.reveal(),
        data=json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": _USER_AGENT},
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}" + (", and redirects are not followed" if error.code < 400 else "")
    except urllib.error.URLError as error:
        # The reason's class says enough; its text might name the address.
        return f"it could not be reached ({type(error.reason).__name__})"
    except Exception as error:
        return f"the request failed ({type(error).__name__})"

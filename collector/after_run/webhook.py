"""The webhook: one POST of the morning message to the address that the settings name for it.

It uses urllib and not aiohttp, whose session in crawl/fetcher.py carries the token, so that the token cannot be sent.
Redirects are not followed, only the head of the reply is read, and a server that is silent for ten seconds has failed.
"""

import json
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
    """Post `payload` as JSON. Raises WebhookFailed for anything but a 2xx."""
    request = urllib.request.Request(
        url.reveal(),
        data=json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": _USER_AGENT},
    )
    try:
        urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        error.close()
        more = ", and redirects are not followed" if error.code < 400 else ""
        raise WebhookFailed(f"it answered {error.code}{more}") from None
    except Exception as error:
        # The class of the reason says enough; its text might name the address.
        reason = type(getattr(error, "reason", error)).__name__
        raise WebhookFailed(f"it could not be reached ({reason})") from None

"""The webhook: one POST of the morning message, to an address that was given for it.

By urllib and not aiohttp, whose home is crawl/fetcher.py and whose session carries the token: what posts to a chat must not
even be able to. No redirect is followed, no more of the reply is read than its head, and the whole takes ten seconds
at most.
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO, Any

from collector._version import __version__
from collector.settings.secret import Secret

TIMEOUT_S = 10.0


class WebhookFailed(Exception):
    """The message did not arrive; the text says why and never holds the address."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def post(url: Secret, payload: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> None:
    """Post `payload` as JSON. Raises NotDelivered for anything but a 2xx within `timeout_s`."""
    said: list[str] = []
    # In a thread, because urllib's own timeout is one for each read, and a server may trickle.
    thread = threading.Thread(target=_post, args=(url, payload, timeout_s, said), name="notify", daemon=True)
    thread.start()
    thread.join(timeout_s)
    why = said[0] if said else "no answer within the time allowed"
    if why:
        raise WebhookFailed(why)


def _post(url: Secret, payload: Mapping[str, Any], timeout_s: float, said: list[str]) -> None:
    """Put "" into `said` when it was delivered, else why not."""
    request = urllib.request.Request(
        url.reveal(),
        data=json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"buddy-promote-image-collector/{__version__}",
        },
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s):
            said.append("")
    except urllib.error.HTTPError as error:
        error.close()
        said.append(f"it answered {error.code}" + (", and no redirect is followed" if error.code < 400 else ""))
    except urllib.error.URLError as error:
        # The reason is an OSError of the connection; its text names no address, but its class says enough.
        said.append(f"it could not be reached ({type(error.reason).__name__})")
    except Exception as error:
        said.append(f"it could not be asked ({type(error).__name__})")

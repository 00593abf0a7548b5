"""Two ways to ask the fake: as aiohttp's client sees it, and as the bytes on the wire really are."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from collector.fake_buddy import FakeBuddy


@dataclass(frozen=True)
class Said:
    """A reply as the client library sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """Return the first of Buddy's error messages."""
        return str(self.json["errors"][0]["message"])


def path_of(*names: str | int, kind: str | None = None) -> str:
    """Return the encoded path of a thing, or of the list of a kind beneath it."""
    words = ("workspaces", "projects", "pipelines", "actions")
    steps = [f"/{word}/{quote(str(name), safe='')}" for word, name in zip(words, names, strict=False)]
    return "".join(steps) + (f"/{kind}" if kind else "")


def ask(fake: FakeBuddy, *paths: str, token: str | None = None, method: str = "GET", **query: Any) -> list[Said]:
    """Ask for one path after another over one connection, with the same query."""
    asked = f"?{urlencode(query)}" if query else ""
    return asyncio.run(_ask(fake.url, [path + asked for path in paths], token or fake.token, method))


def get(fake: FakeBuddy, path: str, **query: Any) -> Said:
    """Ask for one path."""
    return ask(fake, path, **query)[0]


async def _ask(base: str, targets: list[str], token: str, method: str) -> list[Said]:
    found = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for target in targets:
            url = URL(base + target, encoded=True)
            async with session.request(method, url, allow_redirects=False) as reply:
                found.append(Said(reply.status, dict(reply.headers), await reply.read()))
    return found


def wire(fake: FakeBuddy, path: str, patience_seconds: float = 2.0, most: int = 1 << 24) -> tuple[bytes, str]:
    """Return the bytes that came, and how it ended: "closed", "reset", "silence" or "enough"."""
    _, _, address = fake.url.partition("//")
    host, _, port = address.partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=patience_seconds) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        line.sendall(f"{head}Authorization: Bearer {fake.token}\r\n\r\n".encode())
        got = b""
        while len(got) < most:
            try:
                chunk = line.recv(65536)
            except ConnectionResetError:
                return got, "reset"
            except TimeoutError:
                return got, "silence"
            if not chunk:
                return got, "closed"
            got += chunk
        return got, "enough"


def body_of(raw: bytes) -> bytes:
    """Return what follows the headers."""
    return raw.partition(b"\r\n\r\n")[2]

"""Requests to the fake: with aiohttp's client, or with a socket that returns the raw bytes."""

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
class ClientReply:
    """A reply as aiohttp's client returns it."""

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
    """Return the encoded path of an item, or of a list of one kind below it."""
    words = ("workspaces", "projects", "pipelines", "actions")
    steps = [f"/{word}/{quote(str(name), safe='')}" for word, name in zip(words, names, strict=False)]
    return "".join(steps) + (f"/{kind}" if kind else "")


def execution_path(workspace: str, project: str, pipeline_id: int, execution_id: int) -> str:
    """Return the encoded path of an execution."""
    return f"{path_of(workspace, project, pipeline_id, kind='executions')}/{execution_id}"


def ask(fake: FakeBuddy, *paths: str, token: str | None = None, method: str = "GET", **query: Any) -> list[ClientReply]:
    """Request one path after another over one connection, with the same query."""
    asked = f"?{urlencode(query)}" if query else ""
    return asyncio.run(_ask(fake.url, [path + asked for path in paths], token or fake.token, method))


def get(fake: FakeBuddy, path: str, **query: Any) -> ClientReply:
    """Request one path."""
    return ask(fake, path, **query)[0]


async def _ask(base: str, targets: list[str], token: str, method: str) -> list[ClientReply]:
    found = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for target in targets:
            url = URL(base + target, encoded=True)
            async with session.request(method, url, allow_redirects=False) as reply:
                found.append(ClientReply(reply.status, dict(reply.headers), await reply.read()))
    return found


def read_raw(fake: FakeBuddy, path: str, timeout_s: float = 2.0, limit: int = 1 << 24) -> tuple[bytes, str]:
    """Return the bytes received and why reading ended: "closed", "reset", "silence" (timeout) or "enough" (limit)."""
    _, _, address = fake.url.partition("//")
    host, _, port = address.partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=timeout_s) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        line.sendall(f"{head}Authorization: Bearer {fake.token}\r\n\r\n".encode())
        got = b""
        while len(got) < limit:
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

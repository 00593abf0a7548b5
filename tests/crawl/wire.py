"""A server that answers with exactly the bytes it is given: for faults of the wire that no HTTP server would
send.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from collector.settings.declarations import Installation
from collector.settings.secret import Secret

TOKEN = "bdy_planted_0123456789abcdef"


class Wire:
    """`replies` are used one after the other, the last one for ever; each is a piece or a list of pieces.

    bytes are sent as they are, a number waits so many seconds, None cuts the connection and ... closes it; a
    function makes an iterable of pieces, sent until the client goes away.
    """

    def __init__(self, replies: Iterable[object]) -> None:
        self.replies = list(replies)
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                    reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
                    for piece in reply if isinstance(reply, list) else [reply]:
                        if not await self._send(piece, writer):
                            return
        finally:
            self.tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _send(self, piece: object, writer: asyncio.StreamWriter) -> bool:
        """Send one piece; False when the connection is to be cut."""
        if piece is None:
            writer.transport.abort()
            return False
        if piece is ...:
            return False
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
        elif isinstance(piece, int | float):
            await asyncio.sleep(piece)
        elif callable(piece):
            for each in piece():
                await self._send(each, writer)
        return True


def reply(body: bytes = b"{}", status: int = 200, length: int | None = None, **headers: str) -> bytes:
    """One HTTP reply as bytes; `length` lies about the body, header names are written with underscores."""
    told = {
        "content_type": "application/json",
        "content_length": str(len(body) if length is None else length),
    } | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
    return f"HTTP/1.1 {status} Said\r\n".encode() + "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def wire(*replies: object) -> AsyncIterator[Wire]:
    """Serve `replies` on a free port of the loopback."""
    served = Wire(replies)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for task in served.tasks:
            task.cancel()
        await asyncio.gather(*served.tasks, return_exceptions=True)


def installation(url: str, *, token: str = TOKEN, ca_bundle: Path | None = None) -> Installation:
    """An installation at `url` with a token that a test can look for."""
    return Installation("test", url, Secret(token), concurrency=4, ca_bundle=ca_bundle)

"""An HTTP proxy on a free port of the loopback: it makes tunnels (CONNECT), and keeps every head that it was sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class ConnectProxy:
    """Connects to wherever it is asked, or answers with `refusal`, a status line such as 407 Proxy Authentication."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.heads: list[str] = []
        self.address = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                method, target, _ = head.split("\r\n", 1)[0].split(" ")
                if self.refusal or method != "CONNECT":
                    writer.write(f"HTTP/1.1 {self.refusal or '405 No'}\r\nContent-Length: 0\r\n\r\n".encode())
                    await writer.drain()
                    return
                host, _, port = target.rpartition(":")
                far_reader, far_writer = await asyncio.open_connection(host.strip("[]"), int(port))
                try:
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
                finally:
                    await _close(far_writer)
        finally:
            self._tasks.discard(task)
            await _close(writer)

    async def close(self) -> None:
        """End all tunnels."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until either side ends."""
    with suppress(ConnectionError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def proxy(refusal: str = "") -> AsyncIterator[ConnectProxy]:
    """Serve until the end of the block."""
    serving = ConnectProxy(refusal)
    async with await asyncio.start_server(serving.serve, "127.0.0.1", 0) as server:
        serving.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield serving
        finally:
            await serving.close()

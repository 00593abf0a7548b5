"""Send a reply: normally, or truncated, reset, byte by byte, or never.

Faulty replies are written to the socket directly, because the HTTP library sends only valid ones.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from functools import lru_cache

from aiohttp import web

from .fault_effects import OutgoingReply

_BLOCK_BYTES = 1 << 24
# Enough for the peer to read what was sent before the reset discards it.
_MOMENT_SECONDS = 0.02


async def send(request: web.BaseRequest, reply: OutgoingReply) -> web.StreamResponse:
    """Send a reply as its `conduct` says; a faulty one ends only with the connection."""
    if reply.conduct == "send":
        if reply.seconds:
            await asyncio.sleep(reply.seconds)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
    if reply.conduct == "bomb":
        packed = await asyncio.to_thread(bomb, reply.size)
        return web.Response(status=200, body=packed, headers={**reply.headers, "Content-Encoding": "gzip"})
    transport = request.transport
    if transport is not None:
        await _send_faulty(transport, reply)
    # The end of the connection cancels this handler.
    await asyncio.Event().wait()
    raise AssertionError("unreachable: the event is never set")


async def _send_faulty(transport: asyncio.Transport, reply: OutgoingReply) -> None:
    if reply.conduct == "reset_before":
        _reset(transport)
    elif reply.conduct == "reset_during":
        transport.write(_head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
        await asyncio.sleep(_MOMENT_SECONDS)
        _reset(transport)
    elif reply.conduct == "truncate":
        transport.write(_head(reply, len(reply.body) + 1) + reply.body[: len(reply.body) // 2])
        transport.close()
    elif reply.conduct == "trickle":
        transport.write(_head(reply, 1 << 40))
        for position in range(1 << 40):
            transport.write(reply.body[position : position + 1] or b" ")
            await asyncio.sleep(reply.seconds or 1.0)


def _head(reply: OutgoingReply, length: int) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} OK", *(f"{name}: {value}" for name, value in reply.headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN; a linger time of zero discards unsent data."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@lru_cache(maxsize=2)
def bomb(size: int) -> bytes:
    """Return a valid gzip stream of about size / 1000 bytes that inflates to `size` spaces.

    A block after a full flush does not depend on earlier ones, so one block is compressed and repeated; the inflated
    data is never in memory.
    """
    count, rest = divmod(size, _BLOCK_BYTES)
    block = b" " * _BLOCK_BYTES
    checksum = 0
    for _ in range(count):
        checksum = zlib.crc32(block, checksum)
    checksum = zlib.crc32(block[:rest], checksum)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    tail = struct.pack("<II", checksum, size & 0xFFFFFFFF)
    return head + _deflated(block) * count + _deflated(block[:rest]) + _END_OF_STREAM + tail


# An empty final block, which ends every deflate stream.
_END_OF_STREAM = b"\x03\x00"


def _deflated(block: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)

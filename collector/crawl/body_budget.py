"""Bounds the memory of all bodies together: those being read, and those read and not yet processed.

Each body is bounded by itself, but sixteen at once are sixteen times as much. So bodies are counted while they are read.
Once the sum is above the bound, whoever reads a large body waits for the one turn there is, and keeps it until its body was
processed. The holder of the turn waits for no other reader, so this always comes to an end; small bodies never wait.
"""

import asyncio
import math
from typing import Protocol

from collector.crawl.request_timeouts import UnderWay

__all__ = ["BodyBudget", "Content", "HeldBody", "TooLarge", "read_whole"]

# What all bodies may take before large ones are read one after the other. Decoded, journalled and flattened, a body takes
# several times its size.
MOST_HELD_BYTES = 8 << 20
# A body that is no larger than this is never held up.
SMALL_BYTES = 256 << 10


class TooLarge(Exception):
    """A body that is longer than we are willing to hold."""


class BodyBudget:
    """The bytes held by all replies in flight, of all installations. `math.inf` sets no bound."""

    def __init__(self, most_bytes: float = MOST_HELD_BYTES, small_bytes: int = SMALL_BYTES) -> None:
        self.held = 0
        self.most_bytes = most_bytes
        self.small_bytes = small_bytes
        self.turn = asyncio.Lock()

    @classmethod
    def unbounded(cls) -> "BodyBudget":
        """Return a budget that counts and holds nobody up."""
        return cls(math.inf)


class HeldBody:
    """What one reply holds of the budget, from its first byte until `release`."""

    __slots__ = ("_budget", "_bytes", "_has_turn")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._bytes = 0
        self._has_turn = False

    def add(self, count: int) -> None:
        """Count bytes that were read."""
        self._bytes += count
        self._budget.held += count

    @property
    def must_wait(self) -> bool:
        """Whether the rest of this body may be read only in its turn."""
        budget = self._budget
        return not self._has_turn and budget.held > budget.most_bytes and self._bytes > budget.small_bytes

    async def take_turn(self) -> None:
        """Wait until no other large body is read or processed."""
        await self._budget.turn.acquire()
        self._has_turn = True

    def release(self) -> None:
        """Give everything back; may be called again, and the body counted anew."""
        self._budget.held -= self._bytes
        self._bytes = 0
        if self._has_turn:
            self._has_turn = False
            self._budget.turn.release()


class Content(Protocol):
    """The body of a reply, as it arrives."""

    async def readany(self) -> bytes:
        """Return what has arrived, decompressed; waits for at least a byte, and is empty at the end."""

    def at_eof(self) -> bool:
        """Return whether all was read."""


async def read_whole(content: Content, most: int, under_way: UnderWay, held: HeldBody) -> bytes:
    """Return the body; raises TooLarge as soon as it has more than `most` bytes.

    `under_way` hears of its head and of each block. `held` counts what was read, and says when a large body must wait.
    `readany` is used because aiohttp's `read()` lifts its own bound on how much it decompresses ahead.
    """
    under_way.heard()
    block = await content.readany()
    size = len(block)
    blocks = [block]
    held.add(size)
    while block and size <= most and not content.at_eof():
        if held.must_wait:
            with under_way.held_up():
                await held.take_turn()
        under_way.heard()
        block = await content.readany()
        blocks.append(block)
        size += len(block)
        held.add(len(block))
    if size > most:
        raise TooLarge
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)

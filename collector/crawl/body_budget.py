"""Bounds the memory of all bodies together: those being read, and those read and not yet processed.

Each body is bounded by itself, but sixteen at once are sixteen times as much. So bodies are counted while they are
read. Once the sum is above the bound, large bodies are read one after the other: whoever reads one holds the lock until
the body was processed. The holder of the lock waits for no other reader, so this always ends; small bodies never wait.
"""

import asyncio
from dataclasses import dataclass, field

# What all bodies may take before large ones are read one after the other. Decoded, journalled and flattened, a body
# takes several times its size.
MAX_HELD_BYTES = 8 << 20
# A body that is no larger than this never waits.
SMALL_BYTES = 256 << 10


class TooLarge(Exception):
    """A body that is longer than the limit for one body."""


@dataclass(slots=True)
class BodyBudget:
    """The bytes held by all replies in flight, of all installations. `math.inf` sets no bound."""

    max_bytes: float = MAX_HELD_BYTES
    small_bytes: int = SMALL_BYTES
    held: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class HeldBody:
    """What one reply holds of the budget, from its first byte until `release`."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._bytes = 0
        self._has_lock = False

    def add(self, count: int) -> None:
        """Count bytes that were read."""
        self._bytes += count
        self._budget.held += count

    @property
    def must_wait(self) -> bool:
        """Whether the rest of this body may be read only after `acquire`."""
        budget = self._budget
        return not self._has_lock and budget.held > budget.max_bytes and self._bytes > budget.small_bytes

    async def acquire(self) -> None:
        """Wait until no other large body is read or processed."""
        await self._budget.lock.acquire()
        self._has_lock = True

    def release(self) -> None:
        """Return everything to the budget; may be called again, and the body counted again."""
        self._budget.held -= self._bytes
        self._bytes = 0
        if self._has_lock:
            self._has_lock = False
            self._budget.lock.release()

"""Every accident of the world is a pure function of a seed and a path: nothing is drawn at run time.

One hash yields 512 bits, and each draw takes its share off them. So an item costs a few hashes however
large the world is, and the millionth action is as cheap to compute as the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import gcd
from typing import TypeVar

T = TypeVar("T")


class SeededRandom:
    """The draws that belong to one path; the same path always throws the same numbers."""

    __slots__ = ("_bits",)

    def __init__(self, *path: object) -> None:
        # The repr of a tuple of numbers and words is unambiguous, so two different paths never read alike.
        self._bits = int.from_bytes(blake2b(repr(path).encode(), digest_size=64).digest(), "big")

    def below(self, size: int) -> int:
        """Return the next number from 0 to size - 1."""
        self._bits, drawn = divmod(self._bits, size)
        return drawn

    def of(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.below(len(options))]

    def one_in(self, size: int) -> bool:
        """Say yes about once in so many paths."""
        return self.below(size) == 0

    def hex(self, digits: int) -> str:
        """Return so many hexadecimal digits, as a git revision or an identifier would have."""
        return f"{self.below(1 << (4 * digits)):0{digits}x}"


def shuffled(position: int, size: int) -> int:
    """Return which index stands at a position of a stable order that is not the order of ids.

    An affine map instead of a list: no memory, and every index occurs exactly once.
    """
    if size < 2:
        return position
    step = max(1, (size * 5) // 8)
    while gcd(step, size) != 1 or (step == 1 and size > 2):
        step += 1
    return (position * step + size // 2) % size

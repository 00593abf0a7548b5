"""Random numbers as a pure function of a seed and a path; no state is kept between draws of different paths.

One hash yields 512 bits, and each draw uses some of them. An item costs a few hashes in a world of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import gcd
from typing import TypeVar

T = TypeVar("T")


class SeededRandom:
    """The random numbers of one path; the same path always yields the same numbers."""

    __slots__ = ("_bits",)

    def __init__(self, *path: object) -> None:
        # The repr of a tuple of numbers and strings is unambiguous: two different paths never have the same one.
        self._bits = int.from_bytes(blake2b(repr(path).encode(), digest_size=64).digest(), "big")

    def below(self, size: int) -> int:
        """Return the next number from 0 to size - 1."""
        self._bits, drawn = divmod(self._bits, size)
        return drawn

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.below(len(options))]

    def one_in(self, size: int) -> bool:
        """Return True for about one path in `size`."""
        return self.below(size) == 0

    def hex(self, digits: int) -> str:
        """Return `digits` hexadecimal digits, like those of a git revision or an identifier."""
        return f"{self.below(1 << (4 * digits)):0{digits}x}"


def shuffled(position: int, size: int) -> int:
    """Return the index at a position of a fixed order that differs from the order of ids.

    An affine map instead of a list needs no memory, and every index occurs exactly once.
    """
    if size < 2:
        return position
    step = max(1, (size * 5) // 8)
    while gcd(step, size) != 1 or (step == 1 and size > 2):
        step += 1
    return (position * step + size // 2) % size

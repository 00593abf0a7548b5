"""A token that cannot be shown by accident: every way of turning it into text gives '[secret]' but the one
that says so.
"""

from typing import Final, NoReturn, final

__all__ = ["SHOWN", "Secret"]

SHOWN: Final = "[secret]"


@final
class Secret:
    """Holds a secret; only `.reveal()` gives it back. It cannot be copied out by repr, str, format, pickle or
    comparison.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return format(SHOWN, spec)

    # Equality is identity (object's own): `==` on values would let a guess be tested, and a frozen dataclass
    # holding a Secret would print the outcome in a test's diff.

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied: pass its source instead")

"""A secret that is not shown by accident: its text is '[secret]' unless the code asks for it by `reveal`."""

from typing import Final, NoReturn, final

SHOWN: Final = "[secret]"


@final
class Secret:
    """Holds a secret, which only `reveal` returns: not repr, str, format, pickle, copy or comparison."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return SHOWN

    # Equality is identity: `==` on values would allow guesses, and a test's diff would print the result.

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied: pass its source instead")

"""The known name that a misspelt one probably means."""

import difflib
from collections.abc import Iterable


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'NAME'? ` with the nearest known name, or an empty text when none is near.

    A sentence may follow directly: the space after the question mark is part of the text.
    """
    near = difflib.get_close_matches(written, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}? " if near else ""

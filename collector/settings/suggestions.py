"""The known name that a misspelt one probably means."""

import difflib
from collections.abc import Iterable


def nearest(written: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the known names that are near a written one, the nearest first."""
    return difflib.get_close_matches(written, list(known), n=count, cutoff=0.5)


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'NAME'? ` with the nearest known name, or an empty text when none is near.

    A sentence may follow directly: the space after the question mark is part of the text.
    """
    near = nearest(written, known)
    return f"Did you mean {near[0]!r}? " if near else ""

"""Changing a lake that other machines may change at the same time: who loses the race does it again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import random
from time import monotonic, sleep
from typing import Final, TypeVar

from collector.crawl.backoff import after_lost_race
from collector.lake.lake import Lake
from collector.lake.storage import Outdated

# How often a change is computed again when others were first. In each round of a race one writer wins.
ATTEMPTS: Final = 20

_T = TypeVar("_T")


def until_won(lake: Lake, change: Callable[[], _T]) -> _T:
    """Return what `change` returns; while another machine was first, do it again on the manifest of then.

    Raises Outdated when others were first in every attempt.
    """
    for attempt in count(1):
        began = monotonic()
        try:
            return change()
        except Outdated:
            if attempt == ATTEMPTS:
                raise
            sleep(after_lost_race(attempt, monotonic() - began, random()))
            lake.reload()
    raise AssertionError("the last attempt returns or raises")

"""Which of many cases are tried always, and which only by `make faults`."""

from collections.abc import Iterable
from typing import Any

import pytest


def some(every: Iterable[Any], *sampled: int) -> list[Any]:
    """All cases, those whose place (from 0) is not named under the marker `faults`; a tuple is several arguments."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=() if place in sampled else pytest.mark.faults
        )
        for place, case in enumerate(every)
    ]

"""Selection of the cases that always run; the others run in `make faults`."""

from collections.abc import Iterable
from typing import Any

import pytest


def some(every: Iterable[Any], *sampled: int) -> list[Any]:
    """Return all cases, with the marker `faults` except at the sampled indexes; a tuple is several arguments."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=() if place in sampled else pytest.mark.faults
        )
        for place, case in enumerate(every)
    ]

"""The requests that a run may still send (--max-requests), counted so that a death of the process loses none of them.

The journal knows what was answered; what was under way when a process died it does not. So each request is counted in a
file of the run before it is sent. The file holds a number as text and costs one small write per request; without a
limit there is none.
"""

import os
from pathlib import Path
from typing import Self

_WIDTH = 12


class RequestBudget:
    """How many requests one run may still send, for all installations together. `most` None means any number.

    `spent` are those that the journal knows of. Use as a context manager.
    """

    def __init__(self, most: int | None = None, *, spent: int = 0, path: Path | None = None) -> None:
        self.most = most
        self._spent = spent
        self._file: int | None = None
        if most is not None and path is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            counted = os.pread(self._file, _WIDTH, 0)
            self._spent = max(spent, int(counted) if counted.isdigit() else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            os.close(self._file)

    @property
    def left(self) -> int | None:
        """How many more requests may be sent; None without a limit."""
        return None if self.most is None else max(0, self.most - self._spent)

    @property
    def is_spent(self) -> bool:
        """Whether no request may be sent any more."""
        return self.left == 0

    def take(self) -> bool:
        """Count one request that is about to be sent; False if it may not be sent."""
        if self.most is None:
            return True
        if self.is_spent:
            return False
        self._spent += 1
        if self._file is not None:
            os.pwrite(self._file, b"%0*d" % (_WIDTH, self._spent), 0)
        return True

"""Staging that keeps rows in memory, so that a test can compare what two runs have staged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from time import sleep

from collector.lake.projection import Row
from collector.lake.staging import Staging

Rows = Counter[tuple[str, str]]


class KeptStaging(Staging):
    """Staging that keeps rows: what was appended is written part by part."""

    def __init__(self, part_rows: int = 20_000) -> None:
        self.kept: Rows = Counter()
        self.batches: list[int] = []
        self.written = self.under_way = self.most_under_way = 0
        self.write_s = 0.0
        self.error: Exception | None = None
        self._part_rows = part_rows
        self._unwritten: list[int] = []

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Gather rows, by table."""
        self.kept += Counter((table, repr(row)) for table, held in rows.items() for row in held)
        self.batches.append(sum(map(len, rows.values())))
        self._unwritten.append(self.batches[-1])

    @property
    def full(self) -> bool:
        """Whether something waits to be written."""
        return sum(self._unwritten) >= self._part_rows

    def write_full(self) -> None:
        """Write it."""
        if self.error is not None:
            raise self.error
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        while self._unwritten:
            self.written += self._unwritten.pop()
        sleep(self.write_s)
        self.under_way -= 1

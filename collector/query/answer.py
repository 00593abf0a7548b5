"""What a question gives back: rows as Arrow, and what one must know to believe them."""

import html
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from collector.extras import needs_extra
from collector.lake.manifest import RunEntry
from collector.query.answer_text import HTML_ROWS, TEXT_ROWS, as_html, as_text
from collector.query.carried import Carried
from collector.query.certainty import rows_in_words

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@dataclass(frozen=True)
class Gap:
    """What a partial run is missing: how many things of one level have a coverage that leaves them unknown."""

    level: str
    coverage: str
    count: int


@dataclass(frozen=True, repr=False)
class Answer:
    """Rows as Arrow, with the run that they describe (None in an empty lake), its gaps, and the question's rule.

    `carried` says how many promotions of that run an earlier one read, None where that is none or the rows do not rest
    on promotions; `fresh` that the rows are restricted to what the run itself read. `notes` say which values of
    parameters match nothing in the lake, and which installations the run did not read.
    """

    table: pa.Table
    run: RunEntry | None = None
    missing: tuple[Gap, ...] = ()
    carried: Carried | None = None
    fresh: bool = False
    rule: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self.table

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows as a pandas DataFrame. Raises UsageError where the extra `pandas` is missing."""
        with needs_extra("pandas"):
            import pandas  # noqa: F401 - pyarrow imports it

        return self.table.to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """Return the rows as a polars DataFrame. Raises UsageError where the extra `polars` is missing."""
        with needs_extra("polars"):
            import polars

        return polars.DataFrame(self.table)

    @property
    def age(self) -> str:
        """How many promotions were carried and how old the oldest is, in words; empty where that changes nothing."""
        if self.carried is not None:
            return self.carried.sentence(datetime.now(UTC), left_out=self.fresh)
        return "only what this run read" if self.fresh else ""

    def __repr__(self) -> str:
        """Return the first rows as a table that fits the terminal."""
        shown = as_text(self.table, shutil.get_terminal_size().columns)
        return f"{shown}\n{self._summary(TEXT_ROWS)}"

    def _repr_html_(self) -> str:
        """Return the first rows as HTML for a notebook."""
        return f"{as_html(self.table)}<p>{html.escape(self._summary(HTML_ROWS))}</p>"

    def _summary(self, shown: int) -> str:
        more = f", the first {shown} are shown" if len(self) > shown else ""
        summary = f"{rows_in_words(self.table)}{more}"
        if self.run is not None:
            summary += f" · run {self.run.run_id} ({self.run.status})"
        gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in self.missing)
        if gaps:
            summary += f" · this run is incomplete: {gaps}"
        return " · ".join(filter(None, (summary, self.age, *self.notes)))

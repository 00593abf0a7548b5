"""What a question gives back: rows, as Arrow or as Python values, and what one must know to believe them."""

import html
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.extras import needs_extra
from collector.lake.manifest import RunEntry
from collector.lake.plain_rows import PlainRows
from collector.query.carried import Carried
from collector.query.certainty import rows_in_words

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Gap:
    """What a partial run is missing: how many things of one level have a coverage that leaves them unknown."""

    level: str
    coverage: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The run that rows describe (None in an empty lake), its gaps, and the question's rule.

    `carried` says how many promotions of that run an earlier one read, None where that is none or the rows do not rest
    on promotions; `fresh` that the rows are restricted to what the run itself read. `notes` say which values of
    parameters match nothing in the lake, and which installations the run did not read.
    """

    run: RunEntry | None = None
    missing: tuple[Gap, ...] = ()
    carried: Carried | None = None
    fresh: bool = False
    rule: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def age(self) -> str:
        """How many promotions were carried and how old the oldest is, in words; empty where that changes nothing."""
        if self.carried is not None:
            return self.carried.sentence(datetime.now(UTC), left_out=self.fresh)
        return "only what this run read" if self.fresh else ""


@dataclass(frozen=True)
class PlainAnswer(Provenance):
    """Rows as Python values, with their provenance."""

    table: PlainRows

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.table.num_rows


@dataclass(frozen=True, repr=False)
class Answer(Provenance):
    """Rows as Arrow, with their provenance."""

    table: "pa.Table"

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    def to_arrow(self) -> "pa.Table":
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

    def __repr__(self) -> str:
        """Return the first rows as a table that fits the terminal."""
        from collector.query.answer_text import TEXT_ROWS, as_text

        shown = as_text(self.table, shutil.get_terminal_size().columns)
        return f"{shown}\n{self._summary(TEXT_ROWS)}"

    def _repr_html_(self) -> str:
        """Return the first rows as HTML for a notebook."""
        from collector.query.answer_text import HTML_ROWS, as_html

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

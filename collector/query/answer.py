"""An answer: rows, the run they describe, and what that run is missing."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pyarrow as pa

from collector.lake.manifest import RunEntry
from collector.query.values import values_of

if TYPE_CHECKING:
    import pandas as pd

# A notebook shows this many rows and counts the rest.
_SHOWN_ROWS = 50


@dataclass(frozen=True)
class Gap:
    """What a partial run is missing: how many things of one level have a coverage that leaves them unknown."""

    level: str
    coverage: str
    count: int


@dataclass(frozen=True)
class Answer:
    """Rows as Arrow, with the run that they describe (None in an empty lake) and its gaps."""

    table: pa.Table
    run: RunEntry | None = None
    missing: tuple[Gap, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows as a pandas DataFrame; pandas must be installed."""
        return self.table.to_pandas()

    def _repr_html_(self) -> str:
        """Return the first rows as HTML for a notebook, with every name and value escaped."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.table.column_names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
            for batch in self.table.slice(0, _SHOWN_ROWS).to_batches()
            for row in zip(*map(values_of, batch.columns), strict=True)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{escape(self._summary())}</p>"

    def _summary(self) -> str:
        more = f", the first {_SHOWN_ROWS} are shown" if len(self) > _SHOWN_ROWS else ""
        summary = f"{len(self):,} rows{more}"
        if self.run is not None:
            summary += f" · run {self.run.run_id} ({self.run.status})"
        gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in self.missing)
        return f"{summary} · this run is incomplete: {gaps}" if gaps else summary


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))

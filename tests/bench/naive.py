"""A simple alternative to a lake: one file per run, and queries over all files."""

import time
from pathlib import Path

import duckdb
import msgspec
from pyarrow import parquet as pq

from collector.lake.shared_columns import KEY_NAMES
from collector.lake.tables import PROMOTE_IMAGE_ACTIONS
from tests.bench.generated_runs import GeneratedRun
from tests.bench.measure import Spread, spread
from tests.bench.report import Table

_KEY = ", ".join(("installation", *KEY_NAMES))
_COMPARED = [
    name
    for name in PROMOTE_IMAGE_ACTIONS.column_names
    if name not in {"run_id", "run_date", "installation", "fetched_at", "extra", *KEY_NAMES}
]


class NaiveFiles:
    """Files of promote_image_actions per run, as JSON lines and as plain Parquet."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.example_action = 0
        self._actions = 0

    def add(self, generated: GeneratedRun) -> None:
        """Write one run in both formats."""
        table = generated.tables[PROMOTE_IMAGE_ACTIONS.name]
        self.example_action = table["action_id"][len(table) // 2].as_py()
        self._actions += len(table)
        pq.write_table(table, self._folder / f"{generated.run.run_id}.parquet")
        with (self._folder / f"{generated.run.run_id}.jsonl").open("wb") as file:
            file.write(b"\n".join(map(msgspec.json.encode, table.to_pylist())) + b"\n")

    def measured(self, runs: int) -> Table:
        """Time both queries in both formats."""
        rows = []
        for name, pattern, source in (
            ("JSON lines", "*.jsonl", f"read_json('{self._folder}/*.jsonl', format = 'newline_delimited')"),
            ("Parquet, window", "*.parquet", f"read_parquet('{self._folder}/*.parquet')"),
        ):
            changed = self._timed(runs, _WHAT_CHANGED.format(source=source, lags=_LAGS, differs=_DIFFERS, key=_KEY))
            history = self._timed(
                runs, f"select * from {source} where action_id = {self.example_action} order by run_id"
            )
            size = sum(file.stat().st_size for file in self._folder.glob(pattern))
            rows.append((name, f"{size / self._actions:.1f}", f"{changed:.2f}", f"{history:.2f}"))
        return Table(("naive", "bytes per action and run", "what changed, s", "history of one action, s"), rows)

    def _timed(self, runs: int, sql: str) -> Spread:
        seconds = []
        for _ in range(runs):
            with duckdb.connect() as connection:
                began = time.perf_counter()
                connection.sql(sql).to_arrow_table()
                seconds.append(time.perf_counter() - began)
        return spread(seconds)


_LAGS = ", ".join(f'lag("{name}") over runs as "was_{name}"' for name in _COMPARED)
_DIFFERS = " or ".join(f'"{name}"::VARCHAR is distinct from "was_{name}"::VARCHAR' for name in _COMPARED)
_WHAT_CHANGED = """
select * from (
    select *, {lags} from {source} window runs as (partition by {key} order by run_id)
)
where run_id = (select max(run_id) from {source}) and ({differs})
"""

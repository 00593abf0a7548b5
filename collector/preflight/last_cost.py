"""What the last runs cost, from the lake."""

from pathlib import Path

import structlog

from collector.errors import CollectorError
from collector.preflight.forecast import RunCost
from collector.query.reader import open_lake
from collector.query.sql_files import read_folder, sql_folder


def last_costs(lake: Path) -> dict[str, RunCost]:
    """Return what a run costs, by installation; empty when there is no earlier run or the lake cannot be read."""
    try:
        rows = open_lake(lake).sql(read_folder(sql_folder() / "plan")["last_costs"].text).table.to_pylist()
    except CollectorError as error:
        structlog.get_logger().debug("no earlier cost", why=str(error))
        return {}
    return {row["installation"]: RunCost(row["requests"], row["seconds"], row["paused_seconds"]) for row in rows}

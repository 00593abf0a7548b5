"""What the last nights cost, from the lake: a help for guessing, whose absence is no error."""

from pathlib import Path

import structlog

from collector.errors import CollectorError
from collector.preflight.forecast import RunCost

# Of the last week's nights the newest undisturbed one, else the newest: a night that was interrupted or saw only a part
# says little about what a whole one takes.
_COSTS = """
select
    installation,
    requests,
    epoch(finished_at - started_at) as seconds,
    paused_seconds
from runs
where run_id in (select run_id from runs group by run_id order by run_id desc limit 7)
qualify row_number() over (
    partition by installation order by (status = 'complete' and resumed_count = 0) desc, run_id desc
) = 1
"""


def last_costs(lake: Path) -> dict[str, RunCost]:
    """Return what a night costs, by installation; empty when no night is there or can be read."""
    from collector.query.reader import open_lake

    try:
        rows = open_lake(lake).sql(_COSTS).table.to_pylist()
    except CollectorError as error:
        structlog.get_logger().debug("no earlier cost", why=str(error))
        return {}
    return {row["installation"]: RunCost(row["requests"], row["seconds"], row["paused_seconds"]) for row in rows}

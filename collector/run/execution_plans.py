"""What a run has to know of earlier executions, read from the lake before the crawl."""

from collections import defaultdict
from datetime import datetime, timedelta

import msgspec

from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.records import ExecutionHistory, Key, KnownExecution
from collector.errors import LakeError
from collector.lake.lake import Lake
from collector.lake.parquet import read_rows
from collector.lake.projection import naive_utc
from collector.lake.state_tables import ACTION_STATE, EXECUTION_STATE
from collector.settings.declarations import Settings

_PLACE = ("installation", "workspace", "project", "pipeline_id")
_decode_known = msgspec.json.Decoder(tuple[KnownExecution, ...]).decode


def execution_plans(lake: Lake, settings: Settings, started_at: datetime) -> dict[str, ExecutionPlan]:
    """Return the plan of each installation; no plan when executions are off. Raises LakeError for a damaged state.

    The cost grows with the pipelines and actions ever seen, not with the runs kept.
    """
    now = naive_utc(started_at)
    if settings.executions_s is None or now is None:
        return {}
    histories: dict[str, dict[Key, ExecutionHistory]] = defaultdict(dict)
    held: dict[str, set[Key]] = defaultdict(set)
    for path, _ in lake.files(EXECUTION_STATE.name):
        for row in read_rows(path, (*_PLACE, "complete_from", "highest_id", "known")):
            histories[row["installation"]][_key(row)] = _history(row)
    for path, _ in lake.files(ACTION_STATE.name):
        for row in read_rows(path, _PLACE):
            held[row["installation"]].add(_key(row))
    since = now - timedelta(seconds=settings.executions_s)
    return {
        each.name: ExecutionPlan(since, now, histories[each.name], frozenset(held[each.name]))
        for each in settings.installations
    }


def _key(row: dict[str, str | int]) -> Key:
    return msgspec.convert({name: row[name] for name in _PLACE}, Key)


def _history(row: dict[str, object]) -> ExecutionHistory:
    try:
        known = _decode_known(str(row["known"])) if row["known"] is not None else ()
        return msgspec.convert(
            {"complete_from": row["complete_from"], "highest_id": row["highest_id"], "known": known}, ExecutionHistory
        )
    except msgspec.DecodeError as error:
        raise LakeError(
            f"the state of the executions of pipeline {row['pipeline_id']} cannot be read",
            advice="`collector verify` says which files are damaged.",
        ) from error

"""What a run has to know of earlier readings of pipelines, read from the lake before the crawl.

A function of the manifest, the settings and the start of the run, so that a resumed run has the plan that it began
with.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.records import Key
from collector.crawl.refresh_plan import KnownPipeline, RefreshPlan, ordered
from collector.lake.carry import CARRIED_TABLES
from collector.lake.lake import Lake
from collector.lake.parquet import read_rows
from collector.lake.projection import naive_utc
from collector.lake.state_tables import PIPELINE_STATE
from collector.settings.declarations import Settings

_KEY = ("installation", "workspace", "project", "pipeline_id")
_KNOWN = KnownPipeline.__struct_fields__
_READ_FROM = ("source_run_id", "read_with")


def refresh_plans(
    lake: Lake, settings: Settings, started_at: datetime, executions: Mapping[str, ExecutionPlan]
) -> dict[str, RefreshPlan]:
    """Return the plan of each installation. The cost grows with the pipelines ever seen, not with the runs kept."""
    now, read_with = naive_utc(started_at), _read_with(settings)
    assert now is not None
    known: dict[str, dict[Key, KnownPipeline]] = defaultdict(dict)
    published = {run.run_id for run in lake.manifest.runs}
    for path, _ in lake.files(PIPELINE_STATE.name):
        for row in read_rows(path, (*_KEY, *_KNOWN, *_READ_FROM)):
            # Rows whose run was dropped, or that were kept under other rules, cannot be carried.
            if row["source_run_id"] not in published or row["read_with"] != read_with:
                row["read_at"] = None
            key = msgspec.convert({name: row[name] for name in _KEY}, Key)
            known[key.installation][key] = msgspec.convert({name: row[name] for name in _KNOWN}, KnownPipeline)
    plans = {}
    for each in settings.installations:
        histories = executions[each.name].histories if each.name in executions else {}
        unended = frozenset(key for key, history in histories.items() if not all(one.ended for one in history.known))
        refresh = timedelta(seconds=settings.refresh_s)
        plan = RefreshPlan(now, refresh, known[each.name], unended, read_with=read_with)
        is_limited = settings.max_requests is not None or settings.max_duration_s is not None
        plans[each.name] = ordered(plan, settings.max_requests) if is_limited else plan
    return plans


def _read_with(settings: Settings) -> str:
    """Return a fingerprint of the columns and settings that decide what is kept of a reading."""
    decisive = [settings.variable_values, settings.executions_s, *(table.fingerprint for table in CARRIED_TABLES)]
    return sha256(msgspec.json.encode(decisive)).hexdigest()[:16]

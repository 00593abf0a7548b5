"""Carrying: the rows of pipelines that a run did not ask, taken over from the run that read them last.

They become rows of the run in progress, so that every question about a run sees them without knowing of this. An action
keeps its fetched_at, and its coverage says `carried`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from collector.lake.database import Database
from collector.lake.database_errors import run_too_large
from collector.lake.lake import Lake
from collector.lake.sql_text import base_view, literal
from collector.lake.state_tables import PIPELINE_STATE
from collector.lake.tables import ACTIONS, PERMISSIONS, PIPELINES, PROMOTE_IMAGE_ACTIONS, TRIGGER_CONDITIONS, VARIABLES

CARRIED_TABLES = (ACTIONS, PROMOTE_IMAGE_ACTIONS, TRIGGER_CONDITIONS, VARIABLES, PERMISSIONS)
_MEMORY_LIMIT = "400MB"
_CARRIED = """
select state.installation, state.workspace, state.project, state.pipeline_id, state.source_run_id as run_id
from pipelines
inner join pipeline_state as state using (installation, workspace, project, pipeline_id)
where pipelines.coverage = 'carried'
"""
_COUNTS = """
select installation, count(*) as actions
from actions
where coverage = 'carried'
group by installation
"""


class CarriedRows:
    """The carried rows of a run: `parts` are all of its files by table, `actions` counts carried promotions.

    `staged` are the files of what was read, `folder` is where the others are written.
    """

    def __init__(
        self, lake: Lake, staged: Mapping[str, Sequence[Path]], run_id: str, run_date: date, folder: Path
    ) -> None:
        self.parts: dict[str, list[Path]] = {name: list(paths) for name, paths in staged.items()}
        self.actions: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        state = [path for path, _ in lake.files(PIPELINE_STATE.name)]
        pipelines = self.parts.get(PIPELINES.name, [])
        if not state or not pipelines:
            return
        known = [(table, [path for path, _ in lake.files(table.name)]) for table in CARRIED_TABLES]
        folders = {
            folder,
            *(path.parent for paths in (state, pipelines, *(files for _, files in known)) for path in paths),
        }
        with Database(folders, folder, memory_limit=_MEMORY_LIMIT, threads=1, out_of_memory=run_too_large) as database:
            database.define("pipelines", base_view(PIPELINES, [pipelines]))
            database.define("pipeline_state", base_view(PIPELINE_STATE, [[path] for path in state]))
            database.materialise("carried", _CARRIED)
            sources = [row["run_id"] for row in database.rows("select distinct run_id from carried")]
            for table, _ in known:
                paths = [path for source in sources for path, _ in lake.files(table.name, source)]
                if not paths:
                    continue
                rows = base_view(table, [[path] for path in dict.fromkeys(paths)])
                changed = [f"{literal(run_id)} as run_id", f"date {literal(str(run_date))} as run_date"]
                if table is ACTIONS:
                    changed.append("case coverage when 'fetched' then 'carried' else coverage end as coverage")
                select = (
                    f"select * replace ({', '.join(changed)}) from ({rows}) semi join carried "
                    "using (installation, workspace, project, pipeline_id, run_id)"
                )
                if table is ACTIONS:
                    select += " where coverage <> 'gone'"  # it was told once, by the run that saw it
                database.copy_to_parquet(table.name, [select], folder)
                self.parts.setdefault(table.name, []).append(folder / f"{table.name}-0.parquet")
                if table is ACTIONS:
                    self.actions = {row["installation"]: row["actions"] for row in database.rows(_COUNTS)}

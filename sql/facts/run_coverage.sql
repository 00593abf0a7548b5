-- One row per run, installation, level (workspace, project, pipeline, action) and coverage: how many things it holds for.
--
-- whole says whether that coverage leaves nothing unknown; gone is a fact, and a filtered or late thing is skipped.
with
workspace_coverage as (select * from workspaces),
project_coverage as (select * from projects),
pipeline_coverage as (select * from pipelines),
action_coverage as (select * from actions),
counted as (
    select run_id, run_date, installation, 'workspace' as level, coverage, count(*) as things
    from workspace_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'project' as level, coverage, count(*) as things
    from project_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'pipeline' as level, coverage, count(*) as things
    from pipeline_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'action' as level, coverage, count(*) as things
    from action_coverage
    group by run_id, run_date, installation, coverage
)
select
    run_id,
    run_date,
    installation,
    level,
    coverage,
    things,
    coalesce(coverage in ('complete', 'fetched', 'not_promote_image', 'gone'), false) as whole
from counted

-- One row per run, installation, level (installation, workspace, project, pipeline, action, execution list), coverage and
-- whole: how many items have it.
--
-- whole is true if nothing that was selected is unknown with that coverage. gone is a fact. skipped items were filtered
-- out on purpose, unless the installation ran out of time. An installation whose list of workspaces could not be read
-- completely is a gap of its own, and so is an entry of that list that could not be understood. An execution list is all
-- executions of one pipeline; that of a pipeline whose actions were not seen is part of that gap. A carried pipeline is not
-- whole if it was known to have changed and a limit came before it was asked.
with
troubles as materialized (
    select run_id, run_date, installation, kind, workspace, project, pipeline_id
    from problems
    where kind not in ('check', 'abandoned_run')
),
outcomes as (select * from coverage_outcomes),
late as (select distinct run_id, installation from troubles where kind = 'deadline'),
workspace_coverage as materialized (select * from workspaces),
project_coverage as (select * from projects),
pipeline_coverage as materialized (
    select
        *,
        coverage = 'carried' and (run_id, installation, workspace, project, pipeline_id) in (
            select (run_id, installation, workspace, project, pipeline_id)
            from troubles
            where kind = 'deadline' and pipeline_id is not null
        ) as outdated
    from pipelines
),
action_coverage as (select * from actions),
counted as (
    select run_id, run_date, installation, 'workspace' as level, coverage, count(*) as things, false as outdated
    from workspace_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'project' as level, coverage, count(*) as things, false as outdated
    from project_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'pipeline' as level, coverage, count(*) as things, outdated
    from pipeline_coverage
    group by run_id, run_date, installation, coverage, outdated
    union all
    select run_id, run_date, installation, 'action' as level, coverage, count(*) as things, false as outdated
    from action_coverage
    group by run_id, run_date, installation, coverage
    union all
    select run_id, run_date, installation, 'execution list' as level, executions_coverage as coverage, count(*) as things,
        false as outdated
    from pipeline_coverage
    where executions_coverage is not null and (coverage in ('complete', 'carried') or executions_coverage <> coverage)
    group by run_id, run_date, installation, executions_coverage
    union all
    select
        run_id, run_date, installation, 'installation' as level,
        case when bool_and(kind = 'deadline') then 'skipped' else 'failed' end as coverage, 1 as things, false as outdated
    from troubles
    where
        workspace is null
        and kind <> 'not_understood'
        -- After the deadline, seen items are skipped, which shows the gap already.
        and (
            kind <> 'deadline' or (run_id, installation) not in (
                select (run_id, installation) from workspace_coverage
            )
        )
    group by run_id, run_date, installation
    union all
    select run_id, run_date, installation, 'workspace' as level, 'quarantined' as coverage, count(*) as things,
        false as outdated
    from troubles
    where workspace is null and kind = 'not_understood'
    group by run_id, run_date, installation
)
select
    run_id,
    run_date,
    installation,
    level,
    coverage,
    things,
    coalesce(
        (outcome = 'seen' and not outdated)
        or (outcome = 'skipped' and (run_id, installation) not in (select (run_id, installation) from late)),
        false
    ) as whole
from counted
left join outcomes using (coverage)

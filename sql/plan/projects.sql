-- One row per project that the selected run saw, with how much there was in its lists.
--
-- action_list_lengths holds the number of actions of each of its pipelines, each number once. execution_lists is the
-- number of pipelines that have executions to read, by what the run read or, where it did not ask, by their status and
-- that of their promotions; executed_pipeline_id is the smallest id of them. executions is the number of executions that
-- the run read, NULL if it did not ask for any.
with
lists as (
    select installation, workspace, project, pipeline_id, count(*) as length
    from actions
    where run_id in (select run_id from selected_run)
    group by all
),
lengths as (
    select installation, workspace, project, list_sort(list_distinct(list(length))) as action_list_lengths
    from lists
    group by all
),
seen_pipelines as materialized (select * from pipelines where run_id in (select run_id from selected_run)),
held_pipelines as (
    select
        installation,
        workspace,
        project,
        count(*) as pipelines,
        bool_and(coalesce(executions_coverage, 'not_asked') <> 'not_asked') as executions_asked
    from seen_pipelines
    group by installation, workspace, project
),
seen_promotions as materialized (
    select * from promote_image_actions where run_id in (select run_id from selected_run)
),
held_promotions as (
    select installation, workspace, project, count(*) as promotions
    from seen_promotions
    group by installation, workspace, project
),
ran as (
    select distinct installation, workspace, project, pipeline_id
    from seen_promotions
    where last_execution_status is distinct from 'INITIAL'
),
executed as (
    select
        seen_pipelines.installation,
        seen_pipelines.workspace,
        seen_pipelines.project,
        seen_pipelines.pipeline_id
    from seen_pipelines
    left join ran
        on
            seen_pipelines.installation = ran.installation
            and seen_pipelines.workspace = ran.workspace
            and seen_pipelines.project = ran.project
            and seen_pipelines.pipeline_id = ran.pipeline_id
    where
        case
            when coalesce(seen_pipelines.executions_coverage, 'not_asked') = 'not_asked'
                then ran.pipeline_id is not null and seen_pipelines.last_execution_status is distinct from 'INITIAL'
            else
                seen_pipelines.coverage = 'complete'
                and seen_pipelines.executions_coverage in ('complete', 'forbidden', 'failed', 'skipped')
        end
),
execution_lists as (
    select
        installation,
        workspace,
        project,
        count(*) as execution_lists,
        min(pipeline_id) as executed_pipeline_id
    from executed
    group by installation, workspace, project
),
read_executions as (
    select installation, workspace, project, count(*) as executions
    from executions
    where run_id in (select run_id from selected_run)
    group by installation, workspace, project
)
select
    installation,
    workspace,
    project,
    projects.coverage,
    coalesce(held_pipelines.pipelines, 0) as pipelines,
    coalesce(held_promotions.promotions, 0) as promotions,
    coalesce(lengths.action_list_lengths, []) as action_list_lengths,
    coalesce(execution_lists.execution_lists, 0) as execution_lists,
    execution_lists.executed_pipeline_id,
    case when held_pipelines.executions_asked then coalesce(read_executions.executions, 0) end as executions
from projects
left join held_pipelines using (installation, workspace, project)
left join held_promotions using (installation, workspace, project)
left join lengths using (installation, workspace, project)
left join execution_lists using (installation, workspace, project)
left join read_executions using (installation, workspace, project)
where projects.run_id in (select run_id from selected_run)

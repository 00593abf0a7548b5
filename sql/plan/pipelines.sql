-- One row per pipeline that the selected run saw, with how much there is to ask of it.
--
-- list_length is the number of its actions. has_executions says whether it has executions to read, by what the run read
-- or, where it did not ask, by the status of the pipeline and of its promotions; executions_asked whether the run or an
-- earlier one asked for them. changes_per_day is how often its entry in the list changes, by the two last runs that saw it;
-- NULL where there is one. extra is not compared: of a pipeline that was asked it has fields of the list of its actions.
with
chosen as (select run_id as chosen_run_id, started_at as chosen_at from selected_run),
previous as (
    select runs.run_id as previous_run_id, min(runs.started_at) as previous_at
    from runs
    inner join chosen on runs.run_id < chosen.chosen_run_id
    group by runs.run_id
    order by runs.run_id desc
    limit 1
),
seen_pipelines as materialized (select * from pipelines where run_id in (select chosen_run_id from chosen)),
both_runs as (
    select * exclude (run_id, run_date, coverage, executions_coverage, executions_from, extra)
    from pipelines
    where run_id in (select chosen_run_id from chosen) or run_id in (select previous_run_id from previous)
),
entries as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        count(*) as times_seen,
        count(distinct md5(cast(both_runs as varchar))) as contents
    from both_runs
    group by installation, workspace, project, pipeline_id
),
lists as (
    select installation, workspace, project, pipeline_id, count(*) as list_length
    from actions
    where run_id in (select chosen_run_id from chosen)
    group by installation, workspace, project, pipeline_id
),
held as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        count(*) as promotions,
        bool_or(last_execution_status is distinct from 'INITIAL') as has_run
    from promote_image_actions
    where run_id in (select chosen_run_id from chosen)
    group by installation, workspace, project, pipeline_id
)
select
    installation,
    workspace,
    project,
    pipeline_id,
    coalesce(lists.list_length, 0) as list_length,
    coalesce(held.promotions, 0) as promotions,
    case
        when coalesce(seen_pipelines.executions_coverage, 'not_asked') in ('not_asked', 'carried')
            then coalesce(held.has_run, false) and seen_pipelines.last_execution_status is distinct from 'INITIAL'
        else
            seen_pipelines.coverage = 'complete'
            and seen_pipelines.executions_coverage in ('complete', 'forbidden', 'failed', 'skipped')
    end as has_executions,
    coalesce(seen_pipelines.executions_coverage, 'not_asked') <> 'not_asked' as executions_asked,
    case
        when entries.times_seen = 2
            then (entries.contents - 1) / greatest(epoch(chosen.chosen_at - previous.previous_at) / 86400, 1 / 24)
    end as changes_per_day
from seen_pipelines
cross join chosen
left join previous on true
left join lists using (installation, workspace, project, pipeline_id)
left join held using (installation, workspace, project, pipeline_id)
left join entries using (installation, workspace, project, pipeline_id)

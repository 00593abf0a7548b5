-- Which promotions depend on retries, or keep failing in spite of them?
-- topic: health
-- answer: workspace, project, action, retry_count, worst_wait, failed_nights, last_execution_status
-- $nights INTEGER = 30 : how many runs up to the selected one to look at
-- $retries INTEGER = 2 : list every promotion with at least this many retries configured
-- rule: at least so many retries (parameter retries), or any and a failure in one of the last runs (nights).
--
-- worst_wait is the time in seconds that the configured retries can add to one execution. A promotion with fewer
-- retries is listed if it has any and was shown as failed in one of these runs.
with
selected as (select * from selected_promotions),
chosen as (select * from selected_run),
recent_runs as materialized (
    select distinct runs.run_id
    from runs
    inner join chosen on runs.run_id <= chosen.run_id
    order by runs.run_id desc
    limit $nights
),
nights as (
    select * from promote_image_actions
    where run_id in (select run_id from recent_runs) and last_execution_status = 'FAILED'
),
failures as (
    select installation, workspace, project, pipeline_id, action_id, count(*) as failed_nights
    from nights
    group by installation, workspace, project, pipeline_id, action_id
)
select
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    selected.retry_count,
    selected.retry_interval,
    selected.retry_count * coalesce(selected.retry_interval, 0) as worst_wait,
    coalesce(failures.failed_nights, 0) as failed_nights,
    selected.last_execution_status,
    selected.destination,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
left join failures
    on
        selected.installation = failures.installation
        and selected.workspace = failures.workspace
        and selected.project = failures.project
        and selected.pipeline_id = failures.pipeline_id
        and selected.action_id = failures.action_id
where selected.retry_count >= $retries or (selected.retry_count > 0 and failures.failed_nights > 0)
order by
    failed_nights desc,
    selected.retry_count desc,
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline_id,
    selected.action_id

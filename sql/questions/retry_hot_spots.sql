-- Which promotions depend on retries, or keep failing in spite of them?
-- $nights INTEGER = 30 : how many runs up to the selected one to look at
-- $retries INTEGER = 2 : list every promotion with at least this many retries configured
--
-- worst_wait is the time in seconds that the configured retries can add to one execution. A promotion with fewer
-- retries is listed if it has any and was shown as failed in one of these runs.
with
tonight as (select * from selected_promotions),
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
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    tonight.retry_count,
    tonight.retry_interval,
    tonight.retry_count * coalesce(tonight.retry_interval, 0) as worst_wait,
    coalesce(failures.failed_nights, 0) as failed_nights,
    tonight.last_execution_status,
    tonight.destination,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join failures
    on
        tonight.installation = failures.installation
        and tonight.workspace = failures.workspace
        and tonight.project = failures.project
        and tonight.pipeline_id = failures.pipeline_id
        and tonight.action_id = failures.action_id
where tonight.retry_count >= $retries or (tonight.retry_count > 0 and failures.failed_nights > 0)
order by
    failed_nights desc,
    tonight.retry_count desc,
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline_id,
    tonight.action_id

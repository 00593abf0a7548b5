-- One row per promotion and uninterrupted series of runs in which its last execution is shown as failed.
--
-- A run that did not see the action neither ends a series nor counts. nights counts runs of the collector, not
-- executions of the action: Buddy shows the status of the last execution until there is another. or_earlier: no run saw
-- another status before, so that the series may be older.
with
nights as (select * from promote_image_actions),
-- Within an action, the runs of a series have the same number of earlier runs that did not fail.
numbered as (
    select
        run_id,
        run_date,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        last_execution_status,
        sum(case when last_execution_status = 'FAILED' then 0 else 1 end) over (
            partition by installation, workspace, project, pipeline_id, action_id
            order by run_id
            rows unbounded preceding
        ) as good_nights_before
    from nights
)
select
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    min(run_id) as since_run_id,
    min_by(run_date, run_id) as since_date,
    max(run_id) as last_run_id,
    max_by(run_date, run_id) as last_date,
    count(*) as nights,
    good_nights_before = 0 as or_earlier
from numbered
where last_execution_status = 'FAILED'
group by installation, workspace, project, pipeline_id, action_id, good_nights_before

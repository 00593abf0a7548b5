-- One row per promotion and unbroken series of nights on which its last run is shown as failed.
--
-- A night on which the action was not seen neither breaks a series nor counts. nights counts nights, not runs of the
-- action: Buddy shows the status of the last run until there is another.
with
nights as (select * from promote_image_actions),
-- Within one action, the nights of a series share the number of nights before them that did not fail.
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
    count(*) as nights
from numbered
where last_execution_status = 'FAILED'
group by installation, workspace, project, pipeline_id, action_id, good_nights_before

-- One row per pipeline whose executions were ever requested: what the next run has to know of them.
with
read as (select * from read_execution_state),
unread as (
    select
        this_run.run_id,
        this_run.run_date,
        state.* exclude (run_id, run_date)
    from previous_execution_state as state
    cross join this_run
    anti join read_execution_state using (installation, workspace, project, pipeline_id)
)
select * from read
union all
select * from unread

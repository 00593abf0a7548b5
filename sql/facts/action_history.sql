-- One row per action, column that ever changed, and value it had: from which run to which.
--
-- column_name NULL is the action's own life, from the run that found it (again) to the run that found it removed; its value
-- is how it began: added or returned. valid_to is the run that ended it and does not belong to it; NULL: it still holds.
-- Made from action_changes alone, so its cost grows with the changes and not with the nights. A column that never changed
-- has no row: its value is the one in last_known_actions. The value with which a column began a life is what its first
-- change in that life replaced; value_known is false in a life of a changing column that saw no change of it.
with
changes as (select * from action_changes),
lives as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        change,
        run_id,
        run_date,
        lead(run_id) over (
            partition by installation, workspace, project, pipeline_id, action_id order by run_id
        ) as next_run_id,
        lead(run_date) over (
            partition by installation, workspace, project, pipeline_id, action_id order by run_id
        ) as next_run_date
    from changes
    where change in ('added', 'returned', 'removed')
),
changing as (
    select distinct
        installation, workspace, project, pipeline_id, action_id, column_name
    from changes
    where change = 'changed'
),
events as (
    select
        changing.installation,
        changing.workspace,
        changing.project,
        changing.pipeline_id,
        changing.action_id,
        changing.column_name,
        lives.change,
        lives.run_id,
        lives.run_date,
        null as old_value,
        null as new_value
    from changing
    inner join lives
        on
            changing.installation = lives.installation
            and changing.workspace = lives.workspace
            and changing.project = lives.project
            and changing.pipeline_id = lives.pipeline_id
            and changing.action_id = lives.action_id
    union all
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        column_name,
        change,
        run_id,
        run_date,
        old_value,
        new_value
    from changes
    where change = 'changed'
),
followed as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        column_name,
        change,
        run_id,
        run_date,
        new_value,
        lead(change) over following as next_change,
        lead(old_value) over following as next_old_value,
        lead(run_id) over following as next_run_id,
        lead(run_date) over following as next_run_date
    from events
    window
        following as (
            partition by installation, workspace, project, pipeline_id, action_id, column_name
            -- What came or went in a run did so before what changed in it.
            order by run_id, case when change = 'changed' then 1 else 0 end
        )
)
select
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    column_name,
    case
        when change = 'changed' then new_value
        when next_change = 'changed' then next_old_value
    end as value,
    change = 'changed' or coalesce(next_change = 'changed', false) as value_known,
    run_id as valid_from_run_id,
    run_date as valid_from_date,
    next_run_id as valid_to_run_id,
    next_run_date as valid_to_date
from followed
where change <> 'removed' and run_id is distinct from next_run_id
union all
select
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    null as column_name,
    change as value,
    true as value_known,
    run_id as valid_from_run_id,
    run_date as valid_from_date,
    next_run_id as valid_to_run_id,
    next_run_date as valid_to_date
from lives
where change <> 'removed'

-- One row per action, column that ever changed, and value: from which run to which run it had that value.
--
-- column_name NULL is the existence of the action, from the run that found it (again) to the run that found it removed;
-- the value says how it began: added or returned. valid_to is the run that ended the value and is not part of the
-- period; NULL: the value is current.
-- Computed from action_changes alone, so the cost grows with the changes and not with the runs. A column that never
-- changed has no row: its value is that in last_known_actions. The first value of a column in a period of existence is
-- the one that its first change replaced; value_known is false in a period without a change of that column.
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
            -- Within a run, additions and removals come before changes.
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

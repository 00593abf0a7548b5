-- What differs in the promotions between one run and an earlier one?
-- topic: change
-- answer: workspace, project, action_id, change, column_name, difference
-- $from VARCHAR = '' : run id or date (2026-11-01) of the earlier run; empty: the one before
-- $to VARCHAR = '' : run id or date of the later run; empty: the selected run
-- $aspect VARCHAR = 'configuration' in ('configuration', 'execution', '') : configuration, execution (statuses and revisions), or empty for both
-- rule: the net difference: what was reverted, or came and went between the two runs, is not listed.
--
-- The net difference: a change that was reverted, and an action that came and went between the runs, are not listed. A
-- date means the last run of that date. Runs that could not see an action say nothing about it. difference is in words,
-- for permissions, variables and trigger conditions with every step on the way.
with
runs_known as (select distinct run_id, run_date from runs),
chosen as (select * from selected_run),
later as (
    select max(runs_known.run_id) as run_id
    from runs_known
    cross join chosen
    where
        case
            when $to = '' then runs_known.run_id = chosen.run_id
            else runs_known.run_id = $to or cast(runs_known.run_date as varchar) = $to
        end
),
earlier as (
    select max(runs_known.run_id) as run_id
    from runs_known
    cross join later
    where
        case
            when $from = '' then runs_known.run_id < later.run_id
            else runs_known.run_id = $from or cast(runs_known.run_date as varchar) = $from
        end
),
changes as materialized (
    select changes_in_words.*
    from changes_in_words
    cross join earlier
    cross join later
    where
        changes_in_words.run_id > earlier.run_id
        and changes_in_words.run_id <= later.run_id
        and ($aspect = '' or changes_in_words.aspect = $aspect)
),
comings as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        min_by(change, run_id) = 'removed' as was_there,
        max_by(change, run_id) <> 'removed' as is_there,
        max(run_id) as run_id,
        max_by(run_date, run_id) as run_date
    from changes
    where change <> 'changed'
    group by installation, workspace, project, pipeline_id, action_id
),
fields as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        aspect,
        column_name,
        arg_min_null(old_value, run_id) as old_value,
        arg_max_null(new_value, run_id) as new_value,
        string_agg(difference, ', then ' order by run_id) as differences,
        max(run_id) as run_id,
        max_by(run_date, run_id) as run_date
    from changes
    where change = 'changed'
    group by installation, workspace, project, pipeline_id, action_id, aspect, column_name
),
net as (
    select
        case when is_there then 'added' else 'removed' end as change,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        'configuration' as aspect,
        null as column_name,
        null as old_value,
        null as new_value,
        null as difference,
        run_id,
        run_date
    from comings
    where was_there <> is_there
    union all
    select
        'changed' as change,
        fields.installation,
        fields.workspace,
        fields.project,
        fields.pipeline_id,
        fields.action_id,
        fields.aspect,
        fields.column_name,
        fields.old_value,
        fields.new_value,
        case
            when fields.column_name in ('permissions', 'variables', 'trigger_conditions') then fields.differences
            else concat(coalesce(fields.old_value, 'nothing'), ' to ', coalesce(fields.new_value, 'nothing'))
        end as difference,
        fields.run_id,
        fields.run_date
    from fields
    left join comings
        on
            fields.installation = comings.installation
            and fields.workspace = comings.workspace
            and fields.project = comings.project
            and fields.pipeline_id = comings.pipeline_id
            and fields.action_id = comings.action_id
    where
        fields.old_value is distinct from fields.new_value
        -- An action that was added or removed has no field to compare.
        and coalesce(comings.was_there and comings.is_there, true)
)
select
    change,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    column_name,
    old_value,
    new_value,
    difference,
    aspect,
    run_date as last_changed_date,
    run_id as last_changed_run_id
from net
order by aspect, change, installation, workspace, project, pipeline_id, action_id, column_name

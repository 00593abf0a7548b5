-- One row per row of action_changes: its columns, and the difference in words.
--
-- difference is NULL where an action was added, removed or returned. Values of lists are told member by member: "user 200:
-- MANAGE to READ_ONLY; group 30 removed".
with
changes as (select * from action_changes),
members as (select * from changed_members),
phrases as (
    select
        run_id,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        column_name,
        string_agg(
            concat(
                member || case when change = 'changed' then ': ' else ' ' end,
                case when property <> 'access_level' then property || ' ' end,
                case
                    when change = 'changed' then concat(coalesce(old_value, 'nothing'), ' to ', coalesce(new_value, 'nothing'))
                    else concat(change, ' (' || new_value || ')')
                end
            ),
            '; ' order by member, copy, property
        ) as difference
    from members
    group by run_id, installation, workspace, project, pipeline_id, action_id, column_name
)
select
    changes.run_id,
    changes.run_date,
    changes.installation,
    changes.workspace,
    changes.project,
    changes.pipeline_id,
    changes.action_id,
    changes.change,
    changes.aspect,
    changes.column_name,
    changes.old_value,
    changes.new_value,
    case when changes.change = 'changed' then coalesce(phrases.difference, 'in another order') end as difference,
    changes.previous_run_id
from changes
left join phrases
    on
        changes.run_id = phrases.run_id
        and changes.installation = phrases.installation
        and changes.workspace = phrases.workspace
        and changes.project = phrases.project
        and changes.pipeline_id = phrases.pipeline_id
        and changes.action_id = phrases.action_id
        and changes.column_name = phrases.column_name

-- One row per changed field of an action, or action that came or went, compared with its last known row.
--
-- An action seen for the first time is added; one removed earlier and seen again is returned and compared with nothing;
-- one that is known to be gone is removed. Columns that the last known rows did not have yet are not compared.
with
fields as (
    select side, installation, workspace, project, pipeline_id, action_id, unnest(fields) as field
    from compared_fields
),
changed as (
    select
        known.installation,
        known.workspace,
        known.project,
        known.pipeline_id,
        known.action_id,
        'changed' as change,
        known.field.column_name as column_name,
        known.field.value as old_value,
        seen.field.value as new_value
    from fields as known
    inner join fields as seen
        on
            known.installation = seen.installation
            and known.workspace = seen.workspace
            and known.project = seen.project
            and known.pipeline_id = seen.pipeline_id
            and known.action_id = seen.action_id
            and known.field.column_name = seen.field.column_name
    where
        known.side = 'known'
        and seen.side = 'seen'
        and known.field.value is distinct from seen.field.value
        and known.field.column_name in (select column_name from comparable_columns)
),
came as (
    select
        actions.installation,
        actions.workspace,
        actions.project,
        actions.pipeline_id,
        actions.action_id,
        case when state.installation is null then 'added' else 'returned' end as change
    from promote_image_actions as actions
    left join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
    where state.installation is null or state.removed_run_id is not null
),
went as (
    select installation, workspace, project, pipeline_id, action_id, 'removed' as change
    from gone
),
changes as (
    select * from changed
    union all by name
    select * from came
    union all by name
    select * from went
)
select
    this_run.run_id,
    this_run.run_date,
    changes.installation,
    changes.workspace,
    changes.project,
    changes.pipeline_id,
    changes.action_id,
    changes.change,
    case
        when changes.column_name in ('last_execution_status', 'current_revision') then 'execution'
        else 'configuration'
    end as aspect,
    changes.column_name,
    changes.old_value,
    changes.new_value,
    state.last_seen_run_id as previous_run_id
from changes
cross join this_run
left join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)

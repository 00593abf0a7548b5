-- One row per changed field of an action, or action that came or went, compared with its last known row.
--
-- An action seen for the first time is added; one removed earlier and seen again is returned and compared with nothing;
-- one that is known to be gone is removed.
with
changed as (
    select changed_fields.*, differing.previous_run_id, 'changed' as change
    from changed_fields
    left join differing using (installation, workspace, project, pipeline_id, action_id)
),
came as (
    select
        actions.installation,
        actions.workspace,
        actions.project,
        actions.pipeline_id,
        actions.action_id,
        state.last_seen_run_id as previous_run_id,
        case when state.installation is null then 'added' else 'returned' end as change
    from promote_image_actions as actions
    left join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
    where state.installation is null or state.removed_run_id is not null
),
went as (
    select * exclude (last_seen_run_id), last_seen_run_id as previous_run_id, 'removed' as change
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
    changes.previous_run_id
from changes
cross join this_run

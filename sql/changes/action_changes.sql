-- One row per changed field of an action, or action that came or went, compared with its last known row.
--
-- An action seen for the first time is added; one removed earlier and seen again is returned and compared with nothing;
-- one that is known to be gone is removed.
with
changes as (
    select *, 'changed' as change
    from changed_fields
    union all by name
    select installation, workspace, project, pipeline_id, action_id, change, previous_run_id
    from known_actions
    where change is not null
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

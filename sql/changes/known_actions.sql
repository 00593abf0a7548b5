-- One row per action ever seen, removed ones included, of the range: as it was last seen, and how this run changed that.
--
-- change says that the action was added, returned or removed. may_differ is true for one that was seen before and now, and
-- whose fingerprint is not that of its state: equal ones mean equal values, others that the values may differ, so that wide
-- rows are joined for few. A fingerprint that an older collector did not write is equal to none.
with
seen as (
    select
        seen_actions.*,
        coalesce(state.first_seen_run_id, seen_actions.run_id) as first_seen_run_id,
        seen_actions.run_id as last_seen_run_id,
        null::VARCHAR as removed_run_id,
        true as is_seen,
        case
            when state.installation is null then 'added'
            when state.removed_run_id is not null then 'returned'
        end as change,
        state.last_seen_run_id as previous_run_id,
        state.removed_run_id is null and state.fingerprint is distinct from seen_actions.fingerprint as may_differ
    from seen_actions
    left join action_state_in_range as state using (installation, workspace, project, pipeline_id, action_id)
),
unseen_states as (
    select *
    from action_state_in_range
    anti join promote_image_actions_in_range using (installation, workspace, project, pipeline_id, action_id)
),
unseen_actions as (
    select *
    from last_known_actions_in_range
    anti join promote_image_actions_in_range using (installation, workspace, project, pipeline_id, action_id)
),
-- After a lake was repaired an action may have its last known row without its state, or the other way round.
unseen as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        known.* exclude (
            installation, workspace, project, pipeline_id, action_id, first_seen_run_id, last_seen_run_id
        ),
        state.trigger_conditions,
        state.variables,
        state.permissions,
        state.fingerprint,
        coalesce(state.first_seen_run_id, known.first_seen_run_id) as first_seen_run_id,
        coalesce(state.last_seen_run_id, known.last_seen_run_id) as last_seen_run_id,
        case when gone.installation is not null then this_run.run_id else state.removed_run_id end as removed_run_id,
        false as is_seen,
        case when gone.installation is not null then 'removed' end as change,
        gone.last_seen_run_id as previous_run_id,
        false as may_differ
    from unseen_states as state
    full join unseen_actions as known using (installation, workspace, project, pipeline_id, action_id)
    left join gone using (installation, workspace, project, pipeline_id, action_id)
    cross join this_run
),
actions as (
    select * from seen
    union all by name
    select * from unseen
)
select actions.*, this_run.run_id as state_run_id, this_run.run_date as state_run_date
from actions
cross join this_run
order by installation, workspace, project, pipeline_id, action_id

-- One row per action ever seen, removed ones included, of the range: its state after this run, and how this run changed that.
--
-- change says that the action was added, returned or removed. may_differ is true for one that was seen before and now, and
-- whose fingerprint is not that of its state: equal ones mean equal values, others that the values may differ, so that wide
-- rows are joined for few. A fingerprint that an older collector did not write is equal to none. What a run carries it did
-- not read: its state stays.
with
before as (select * from previous_action_state_in_range),
seen as (
    select
        actions.installation,
        actions.workspace,
        actions.project,
        actions.pipeline_id,
        actions.action_id,
        coalesce(before.first_seen_run_id, this_run.run_id) as first_seen_run_id,
        this_run.run_id as last_seen_run_id,
        null::VARCHAR as removed_run_id,
        coalesce(state.trigger_conditions, before.trigger_conditions) as trigger_conditions,
        coalesce(state.variables, before.variables) as variables,
        coalesce(state.permissions, before.permissions) as permissions,
        coalesce(state.fingerprint, before.fingerprint) as fingerprint,
        true as is_seen,
        true as has_state,
        case
            when before.installation is null then 'added'
            when before.removed_run_id is not null then 'returned'
        end as change,
        before.last_seen_run_id as previous_run_id,
        before.installation is not null
            and before.removed_run_id is null
            and state.fingerprint <> coalesce(before.fingerprint, '') as may_differ
    from promote_image_actions_in_range as actions
    left join read_action_state_in_range as state using (installation, workspace, project, pipeline_id, action_id)
    left join before using (installation, workspace, project, pipeline_id, action_id)
    cross join this_run
),
unseen_states as (
    select *
    from before
    anti join promote_image_actions_in_range using (installation, workspace, project, pipeline_id, action_id)
),
unseen_actions as (
    select installation, workspace, project, pipeline_id, action_id, first_seen_run_id, last_seen_run_id
    from previous_last_known_actions_in_range
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
        coalesce(state.first_seen_run_id, known.first_seen_run_id) as first_seen_run_id,
        coalesce(state.last_seen_run_id, known.last_seen_run_id) as last_seen_run_id,
        case when gone.installation is not null then this_run.run_id else state.removed_run_id end as removed_run_id,
        state.trigger_conditions,
        state.variables,
        state.permissions,
        state.fingerprint,
        false as is_seen,
        state.first_seen_run_id is not null as has_state,
        case when gone.installation is not null then 'removed' end as change,
        gone.last_seen_run_id as previous_run_id,
        false as may_differ
    from unseen_states as state
    full join unseen_actions as known using (installation, workspace, project, pipeline_id, action_id)
    left join gone using (installation, workspace, project, pipeline_id, action_id)
    cross join this_run
)
select * from seen
union all
select * from unseen
order by installation, workspace, project, pipeline_id, action_id

-- One row per action ever seen, removed ones included: when it was seen, when it went, its child rows and fingerprint as last
-- seen.
with
seen as (
    select
        this_run.run_id,
        this_run.run_date,
        seen_actions.installation,
        seen_actions.workspace,
        seen_actions.project,
        seen_actions.pipeline_id,
        seen_actions.action_id,
        coalesce(state.first_seen_run_id, this_run.run_id) as first_seen_run_id,
        this_run.run_id as last_seen_run_id,
        null::VARCHAR as removed_run_id,
        seen_actions.trigger_conditions,
        seen_actions.variables,
        seen_actions.permissions,
        seen_actions.fingerprint
    from seen_actions
    cross join this_run
    left join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
),
unseen as (
    select
        this_run.run_id,
        this_run.run_date,
        state.installation,
        state.workspace,
        state.project,
        state.pipeline_id,
        state.action_id,
        state.first_seen_run_id,
        state.last_seen_run_id,
        case when gone.installation is not null then this_run.run_id else state.removed_run_id end as removed_run_id,
        state.trigger_conditions,
        state.variables,
        state.permissions,
        state.fingerprint
    from previous_action_state as state
    cross join this_run
    left join gone using (installation, workspace, project, pipeline_id, action_id)
    anti join promote_image_actions using (installation, workspace, project, pipeline_id, action_id)
)
select * from seen
union all
select * from unseen

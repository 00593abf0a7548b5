-- One row per action ever seen, removed ones included: when it was seen, when it went, its child rows as last seen.
with
seen as (
    select
        this_run.run_id,
        this_run.run_date,
        children.installation,
        children.workspace,
        children.project,
        children.pipeline_id,
        children.action_id,
        coalesce(state.first_seen_run_id, this_run.run_id) as first_seen_run_id,
        this_run.run_id as last_seen_run_id,
        null::VARCHAR as removed_run_id,
        children.trigger_conditions,
        children.variables,
        children.permissions
    from children
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
        state.permissions
    from previous_action_state as state
    cross join this_run
    left join gone using (installation, workspace, project, pipeline_id, action_id)
    anti join promote_image_actions using (installation, workspace, project, pipeline_id, action_id)
)
select * from seen
union all
select * from unseen

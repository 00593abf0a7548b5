-- One row per action ever seen and not known removed: as it was seen in this run, or else as it was last seen, under the run that saw it.
with
seen as (
    select
        actions.*,
        coalesce(state.first_seen_run_id, actions.run_id) as first_seen_run_id,
        actions.run_id as last_seen_run_id
    from promote_image_actions as actions
    left join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
),
unseen as (
    select known.*
    from previous_last_known_actions as known
    anti join promote_image_actions using (installation, workspace, project, pipeline_id, action_id)
    anti join gone using (installation, workspace, project, pipeline_id, action_id)
)
select * from seen
union all by name
select * from unseen

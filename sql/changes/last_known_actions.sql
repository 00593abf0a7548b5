-- One row per action ever seen and not known removed: as it was last seen, under the run that saw it.
with
known as (
    select
        installation, workspace, project, pipeline_id, action_id, first_seen_run_id, last_seen_run_id, removed_run_id, is_seen
    from known_actions
),
seen as (
    select actions.*, known.first_seen_run_id, known.last_seen_run_id
    from promote_image_actions as actions
    inner join known using (installation, workspace, project, pipeline_id, action_id)
),
unseen as (
    select actions.* replace (
        known.first_seen_run_id as first_seen_run_id,
        known.last_seen_run_id as last_seen_run_id
    )
    from previous_last_known_actions as actions
    inner join known using (installation, workspace, project, pipeline_id, action_id)
    where not known.is_seen and known.removed_run_id is null
)
select * from seen
union all by name
select * from unseen

-- One row per differing action and side: 'known' as last known and 'seen' in this run.
--
-- The fields of a pipeline inside `extra` are the pipeline's: they are no change of the action, and are left out.
-- differing_share is differing, so many of them at a time that their wide rows fit into memory.
with
known as (
    select 'known' as side, actions.*, state.trigger_conditions, state.variables, state.permissions
    from previous_last_known_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join previous_action_state as state
        using (installation, workspace, project, pipeline_id, action_id)
),
seen as (
    select 'seen' as side, actions.*, children.trigger_conditions, children.variables, children.permissions
    from promote_image_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join children using (installation, workspace, project, pipeline_id, action_id)
),
sides as (
    select * from known
    union all by name
    select * from seen
)
select
    * replace (
        case
            when extra is not null then nullif(json_merge_patch(extra, '{"pipeline": null}')::VARCHAR, '{}')
        end as extra
    )
from sides

-- One row per action of the range that may differ: as last known and as seen in this run, each with its child rows.
--
-- pipeline is the part of extra that belongs to the pipeline.
with
differing as (
    select
        installation, workspace, project, pipeline_id, action_id, trigger_conditions, variables, permissions, previous_run_id
    from known_actions_in_range
    where may_differ
),
seen as (
    select
        actions.*,
        '"pipeline":' || json_extract(extra, '$.pipeline')::VARCHAR as pipeline,
        differing.trigger_conditions,
        differing.variables,
        differing.permissions,
        differing.previous_run_id
    from promote_image_actions_in_range as actions
    inner join differing using (installation, workspace, project, pipeline_id, action_id)
),
known as (
    select
        actions.*,
        '"pipeline":' || json_extract(extra, '$.pipeline')::VARCHAR as pipeline,
        state.trigger_conditions,
        state.variables,
        state.permissions
    from previous_last_known_actions_in_range as actions
    inner join previous_action_state_in_range as state using (installation, workspace, project, pipeline_id, action_id)
    semi join differing using (installation, workspace, project, pipeline_id, action_id)
)
select
    known.installation,
    known.workspace,
    known.project,
    known.pipeline_id,
    known.action_id,
    seen.previous_run_id,
    known,
    seen
from known
inner join seen using (installation, workspace, project, pipeline_id, action_id)

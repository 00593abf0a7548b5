-- One row per action of differing_share: what is compared of it and its child rows, as last known and as seen in this run.
with
known as (
    select actions.*, lists.trigger_conditions, lists.variables, lists.permissions
    from compared_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join previous_action_state as lists using (installation, workspace, project, pipeline_id, action_id)
    where actions.side = 'known'
),
seen as (
    select actions.*, lists.trigger_conditions, lists.variables, lists.permissions
    from compared_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join seen_actions as lists using (installation, workspace, project, pipeline_id, action_id)
    where actions.side = 'seen'
)
select known.installation, known.workspace, known.project, known.pipeline_id, known.action_id, known, seen
from known
inner join seen using (installation, workspace, project, pipeline_id, action_id)

-- One row per action of differing_share and side: its compared columns and child rows, 'known' as last known and 'seen' in
-- this run.
with
lists as (
    select 'known' as side, * from previous_action_state
    union all by name
    select 'seen' as side, * from children
)
select actions.*, lists.trigger_conditions, lists.variables, lists.permissions
from compared_actions as actions
semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
inner join lists using (side, installation, workspace, project, pipeline_id, action_id)

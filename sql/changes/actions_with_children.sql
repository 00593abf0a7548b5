-- One row per promote-image action seen in this run: what is compared of it, its conditions, variables and rights as JSON.
with
actions as (
    select * exclude (side) from compared_actions where side = 'seen'
)
select
    actions.*,
    coalesce(conditions.members, '[]') as trigger_conditions,
    coalesce(settings.members, '[]') as variables,
    coalesce(rights.members, '[]') as permissions
from actions
left join trigger_conditions_of_action as conditions using (installation, workspace, project, pipeline_id, action_id)
left join variables_of_action as settings using (installation, workspace, project, pipeline_id, action_id)
left join permissions_of_action as rights using (installation, workspace, project, pipeline_id, action_id)

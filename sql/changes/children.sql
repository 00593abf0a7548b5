-- One row per promote-image action seen in this run: its conditions, variables and rights as JSON, to be compared.
--
-- Lists are sorted after they are made: position comes first in each member.
with
actions as (
    select installation, workspace, project, pipeline_id, action_id
    from promote_image_actions
)
select
    actions.*,
    coalesce(to_json(list_sort(conditions.members))::VARCHAR, '[]') as trigger_conditions,
    coalesce(to_json(list_sort(settings.members))::VARCHAR, '[]') as variables,
    coalesce(to_json(list_sort(rights.members))::VARCHAR, '[]') as permissions
from actions
left join trigger_conditions_of_action as conditions using (installation, workspace, project, pipeline_id, action_id)
left join variables_of_action as settings using (installation, workspace, project, pipeline_id, action_id)
left join permissions_of_action as rights using (installation, workspace, project, pipeline_id, action_id)

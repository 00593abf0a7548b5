-- One row per promote-image action seen in this run: its conditions, variables and rights as JSON, for comparing runs.
--
-- Values of variables are left out, and whether they were kept or redacted is our setting and not Buddy's change.
-- Lists are sorted after they are made: position comes first in each member.
with
actions as (
    select installation, workspace, project, pipeline_id, action_id
    from promote_image_actions
),
conditions as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        list(
            struct_pack(
                position,
                trigger_condition,
                trigger_condition_paths,
                trigger_variable_key,
                trigger_variable_value,
                trigger_hours,
                trigger_days,
                timezone,
                trigger_project_name,
                trigger_pipeline_name,
                trigger_user,
                trigger_group,
                trigger_action_name,
                trigger_status,
                extra
            )
        ) as members
    from trigger_conditions
    group by all
),
settings as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        list(
            struct_pack(
                position,
                variable_id,
                key,
                type,
                encrypted,
                settable,
                run_only_settable,
                description,
                value_state := case when value_state = 'kept' then 'redacted' else value_state end,
                file_path,
                file_place,
                file_chmod,
                init_path,
                disabled,
                extra
            )
        ) as members
    from variables
    group by all
),
rights as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        list(struct_pack(principal_type, principal_id, access_level)) as members
    from permissions
    group by all
)
select
    actions.*,
    coalesce(to_json(list_sort(conditions.members))::VARCHAR, '[]') as trigger_conditions,
    coalesce(to_json(list_sort(settings.members))::VARCHAR, '[]') as variables,
    coalesce(to_json(list_sort(rights.members))::VARCHAR, '[]') as permissions
from actions
left join conditions using (installation, workspace, project, pipeline_id, action_id)
left join settings using (installation, workspace, project, pipeline_id, action_id)
left join rights using (installation, workspace, project, pipeline_id, action_id)

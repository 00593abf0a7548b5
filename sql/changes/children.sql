-- One row per promote-image action seen tonight: its conditions, variables and rights as JSON, for comparing nights.
--
-- Values of variables are left out, and whether they were kept or redacted is our setting and not Buddy's change.
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
        to_json(
            list(
                struct_pack(
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
                order by position
            )
        )::VARCHAR as trigger_conditions
    from trigger_conditions
    group by all
),
secrets as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        to_json(
            list(
                struct_pack(
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
                order by position
            )
        )::VARCHAR as variables
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
        to_json(
            list(
                struct_pack(principal_type, principal_id, access_level)
                order by principal_type, principal_id
            )
        )::VARCHAR as permissions
    from permissions
    group by all
)
select
    actions.*,
    coalesce(conditions.trigger_conditions, '[]') as trigger_conditions,
    coalesce(secrets.variables, '[]') as variables,
    coalesce(rights.permissions, '[]') as permissions
from actions
left join conditions using (installation, workspace, project, pipeline_id, action_id)
left join secrets using (installation, workspace, project, pipeline_id, action_id)
left join rights using (installation, workspace, project, pipeline_id, action_id)

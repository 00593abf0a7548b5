-- Every row hangs on a row of the table above it, in the same night.
-- blocking
with
orphans as (
    select
        'projects' as table_name, 'workspaces' as parent_table,
        projects.installation, projects.workspace, projects.project, null as pipeline_id, null as action_id
    from projects
    left join workspaces
        on
            projects.installation = workspaces.installation
            and projects.workspace = workspaces.workspace
    where workspaces.installation is null
    union all
    select
        'pipelines' as table_name, 'projects' as parent_table,
        pipelines.installation, pipelines.workspace, pipelines.project, pipelines.pipeline_id, null as action_id
    from pipelines
    left join projects
        on
            pipelines.installation = projects.installation
            and pipelines.workspace = projects.workspace
            and pipelines.project = projects.project
    where projects.installation is null
    union all
    select
        'actions' as table_name, 'pipelines' as parent_table,
        actions.installation, actions.workspace, actions.project, actions.pipeline_id, actions.action_id
    from actions
    left join pipelines
        on
            actions.installation = pipelines.installation
            and actions.workspace = pipelines.workspace
            and actions.project = pipelines.project
            and actions.pipeline_id = pipelines.pipeline_id
    where pipelines.installation is null
    union all
    select
        'promote_image_actions' as table_name, 'actions' as parent_table,
        promote_image_actions.installation, promote_image_actions.workspace, promote_image_actions.project,
        promote_image_actions.pipeline_id, promote_image_actions.action_id
    from promote_image_actions
    left join actions
        on
            promote_image_actions.installation = actions.installation
            and promote_image_actions.workspace = actions.workspace
            and promote_image_actions.project = actions.project
            and promote_image_actions.pipeline_id = actions.pipeline_id
            and promote_image_actions.action_id = actions.action_id
    where actions.installation is null
    union all
    select
        'trigger_conditions' as table_name, 'promote_image_actions' as parent_table,
        trigger_conditions.installation, trigger_conditions.workspace, trigger_conditions.project,
        trigger_conditions.pipeline_id, trigger_conditions.action_id
    from trigger_conditions
    left join promote_image_actions
        on
            trigger_conditions.installation = promote_image_actions.installation
            and trigger_conditions.workspace = promote_image_actions.workspace
            and trigger_conditions.project = promote_image_actions.project
            and trigger_conditions.pipeline_id = promote_image_actions.pipeline_id
            and trigger_conditions.action_id = promote_image_actions.action_id
    where promote_image_actions.installation is null
    union all
    select
        'variables' as table_name, 'promote_image_actions' as parent_table,
        variables.installation, variables.workspace, variables.project, variables.pipeline_id, variables.action_id
    from variables
    left join promote_image_actions
        on
            variables.installation = promote_image_actions.installation
            and variables.workspace = promote_image_actions.workspace
            and variables.project = promote_image_actions.project
            and variables.pipeline_id = promote_image_actions.pipeline_id
            and variables.action_id = promote_image_actions.action_id
    where promote_image_actions.installation is null
    union all
    select
        'permissions' as table_name, 'promote_image_actions' as parent_table,
        permissions.installation, permissions.workspace, permissions.project, permissions.pipeline_id,
        permissions.action_id
    from permissions
    left join promote_image_actions
        on
            permissions.installation = promote_image_actions.installation
            and permissions.workspace = promote_image_actions.workspace
            and permissions.project = promote_image_actions.project
            and permissions.pipeline_id = promote_image_actions.pipeline_id
            and permissions.action_id = promote_image_actions.action_id
    where promote_image_actions.installation is null
)
select distinct
    concat(table_name, ': no row in ', parent_table, ' for it') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from orphans
order by message, installation, workspace, project, pipeline_id, action_id

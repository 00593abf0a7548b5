-- No row lacks its run, a part of its key, or its coverage.
-- blocking
with
incomplete as (
    select
        'workspaces' as table_name, installation, workspace, null as project, null as pipeline_id, null as action_id
    from workspaces
    where
        run_id is null or run_date is null or installation is null or workspace is null or coverage is
        null
    union all
    select 'projects' as table_name, installation, workspace, project, null as pipeline_id, null as action_id
    from projects
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or coverage is null
    union all
    select 'pipelines' as table_name, installation, workspace, project, pipeline_id, null as action_id
    from pipelines
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or coverage is null
    union all
    select 'actions' as table_name, installation, workspace, project, pipeline_id, action_id
    from actions
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or action_id is null or coverage is null
        -- Of an item that breaks the contract only its key is believed.
        or (type is null and coverage <> 'quarantined')
    union all
    select 'promote_image_actions' as table_name, installation, workspace, project, pipeline_id, action_id
    from promote_image_actions
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or action_id is null
    union all
    select 'trigger_conditions' as table_name, installation, workspace, project, pipeline_id, action_id
    from trigger_conditions
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or action_id is null or position is null
    union all
    select 'variables' as table_name, installation, workspace, project, pipeline_id, action_id
    from variables
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or action_id is null or position is null
    union all
    select 'permissions' as table_name, installation, workspace, project, pipeline_id, action_id
    from permissions
    where
        run_id is null or run_date is null or installation is null or workspace is null or project is
        null or pipeline_id is null or action_id is null or principal_type is null or principal_id is
        null
    union all
    select 'problems' as table_name, installation, workspace, project, pipeline_id, action_id
    from problems
    where run_id is null or run_date is null or installation is null or kind is null
)
select distinct
    concat(table_name, ': a required value is missing') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from incomplete
order by message, installation, workspace, project, pipeline_id, action_id

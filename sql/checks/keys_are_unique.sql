-- No two rows of a table have the same key.
-- blocking
with
repeated as (
    select
        'runs' as table_name, installation, null as workspace, null as project, null as pipeline_id, null as
        action_id, count(*) as copies
    from runs
    group by run_id, installation
    having count(*) > 1
    union all
    select
        'workspaces' as table_name, installation, workspace, null as project, null as pipeline_id, null as action_id,
        count(*) as copies
    from workspaces
    group by run_id, installation, workspace
    having count(*) > 1
    union all
    select
        'projects' as table_name, installation, workspace, project, null as pipeline_id, null as action_id, count(*)
        as copies
    from projects
    group by run_id, installation, workspace, project
    having count(*) > 1
    union all
    select
        'pipelines' as table_name, installation, workspace, project, pipeline_id, null as action_id, count(*) as
        copies
    from pipelines
    group by run_id, installation, workspace, project, pipeline_id
    having count(*) > 1
    union all
    select 'actions' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as copies
    from actions
    group by run_id, installation, workspace, project, pipeline_id, action_id
    having count(*) > 1
    union all
    select
        'promote_image_actions' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as
        copies
    from promote_image_actions
    group by run_id, installation, workspace, project, pipeline_id, action_id
    having count(*) > 1
    union all
    select
        'trigger_conditions' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as
        copies
    from trigger_conditions
    group by run_id, installation, workspace, project, pipeline_id, action_id, position
    having count(*) > 1
    union all
    select 'variables' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as copies
    from variables
    group by run_id, installation, workspace, project, pipeline_id, action_id, position
    having count(*) > 1
    union all
    select
        'action_changes' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as copies
    from action_changes
    group by run_id, installation, workspace, project, pipeline_id, action_id, change, column_name
    having count(*) > 1
    union all
    select
        'last_known_actions' as table_name, installation, workspace, project, pipeline_id, action_id, count(*) as
        copies
    from last_known_actions
    group by installation, workspace, project, pipeline_id, action_id
    having count(*) > 1
)
select
    concat(table_name, ': ', copies, ' rows of one key') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from repeated
order by table_name, installation, workspace, project, pipeline_id, action_id

-- Every staged row carries this run's id and date.
-- blocking
with
staged as (
    select 'workspaces' as table_name, installation, run_id, run_date
    from workspaces
    union all
    select 'projects' as table_name, installation, run_id, run_date
    from projects
    union all
    select 'pipelines' as table_name, installation, run_id, run_date
    from pipelines
    union all
    select 'actions' as table_name, installation, run_id, run_date
    from actions
    union all
    select 'promote_image_actions' as table_name, installation, run_id, run_date
    from promote_image_actions
    union all
    select 'trigger_conditions' as table_name, installation, run_id, run_date
    from trigger_conditions
    union all
    select 'variables' as table_name, installation, run_id, run_date
    from variables
    union all
    select 'permissions' as table_name, installation, run_id, run_date
    from permissions
    union all
    select 'problems' as table_name, installation, run_id, run_date
    from problems
    union all
    select 'action_changes' as table_name, installation, run_id, run_date
    from action_changes
),
found as (
    select table_name, installation, run_id, run_date, count(*) as strangers
    from staged
    group by all
)
select
    concat(found.table_name, ': ', found.strangers, ' rows of run ', coalesce(found.run_id, 'NULL'), ' on ',
        coalesce(cast(found.run_date as varchar), 'NULL')) as message,
    found.installation
from found
left join this_run on found.run_id = this_run.run_id and found.run_date = this_run.run_date
where this_run.run_id is null
order by message, found.installation

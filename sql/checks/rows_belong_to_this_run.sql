-- Every staged row carries this run's id and date.
-- blocking
with
found as (
    select 'workspaces' as table_name, installation, run_id, run_date, count(*) as strangers
    from workspaces
    group by installation, run_id, run_date
    union all
    select 'projects' as table_name, installation, run_id, run_date, count(*) as strangers
    from projects
    group by installation, run_id, run_date
    union all
    select 'pipelines' as table_name, installation, run_id, run_date, count(*) as strangers
    from pipelines
    group by installation, run_id, run_date
    union all
    select 'actions' as table_name, installation, run_id, run_date, count(*) as strangers
    from actions
    group by installation, run_id, run_date
    union all
    select 'promote_image_actions' as table_name, installation, run_id, run_date, count(*) as strangers
    from promote_image_actions
    group by installation, run_id, run_date
    union all
    select 'trigger_conditions' as table_name, installation, run_id, run_date, count(*) as strangers
    from trigger_conditions
    group by installation, run_id, run_date
    union all
    select 'variables' as table_name, installation, run_id, run_date, count(*) as strangers
    from variables
    group by installation, run_id, run_date
    union all
    select 'permissions' as table_name, installation, run_id, run_date, count(*) as strangers
    from permissions
    group by installation, run_id, run_date
    union all
    select 'problems' as table_name, installation, run_id, run_date, count(*) as strangers
    from problems
    group by installation, run_id, run_date
    union all
    select 'action_changes' as table_name, installation, run_id, run_date, count(*) as strangers
    from action_changes
    group by installation, run_id, run_date
)
select
    concat(found.table_name, ': ', found.strangers, ' rows of run ', coalesce(found.run_id, 'NULL'), ' on ',
        coalesce(cast(found.run_date as varchar), 'NULL')) as message,
    found.installation
from found
left join this_run on found.run_id = this_run.run_id and found.run_date = this_run.run_date
where this_run.run_id is null
order by message, found.installation

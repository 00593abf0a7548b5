-- Every enum value is one that Buddy documents; an unknown one is kept, and said once per night.
-- warning
with
found as (
    select 'projects' as table_name, 'status' as column_name, installation, status as value, count(*) as rows_with_it
    from projects
    group by installation, status
    union all
    select 'projects' as table_name, 'access' as column_name, installation, access as value, count(*) as rows_with_it
    from projects
    group by installation, access
    union all
    select
        'pipelines' as table_name, 'priority' as column_name, installation, priority as value, count(*) as
        rows_with_it
    from pipelines
    group by installation, priority
    union all
    select
        'pipelines' as table_name, 'last_execution_status' as column_name, installation, last_execution_status as
        value, count(*) as rows_with_it
    from pipelines
    group by installation, last_execution_status
    union all
    select
        'pipelines' as table_name, 'definition_source' as column_name, installation, definition_source as value,
        count(*) as rows_with_it
    from pipelines
    group by installation, definition_source
    union all
    select
        'pipelines' as table_name, 'git_config_ref' as column_name, installation, git_config_ref as value, count(*) as
        rows_with_it
    from pipelines
    group by installation, git_config_ref
    union all
    select
        'pipelines' as table_name, 'git_changeset_base' as column_name, installation, git_changeset_base as value,
        count(*) as rows_with_it
    from pipelines
    group by installation, git_changeset_base
    union all
    select
        'pipelines' as table_name, 'filesystem_changeset_base' as column_name, installation, filesystem_changeset_base
        as value, count(*) as rows_with_it
    from pipelines
    group by installation, filesystem_changeset_base
    union all
    select 'pipelines' as table_name, 'cpu' as column_name, installation, cpu as value, count(*) as rows_with_it
    from pipelines
    group by installation, cpu
    union all
    select
        'actions' as table_name, 'trigger_time' as column_name, installation, trigger_time as value, count(*) as
        rows_with_it
    from actions
    group by installation, trigger_time
    union all
    select
        'actions' as table_name, 'last_execution_status' as column_name, installation, last_execution_status as value,
        count(*) as rows_with_it
    from actions
    group by installation, last_execution_status
    union all
    select
        'promote_image_actions' as table_name, 'trigger_time' as column_name, installation, trigger_time as value,
        count(*) as rows_with_it
    from promote_image_actions
    group by installation, trigger_time
    union all
    select
        'promote_image_actions' as table_name, 'run_next' as column_name, installation, run_next as value, count(*) as
        rows_with_it
    from promote_image_actions
    group by installation, run_next
    union all
    select
        'promote_image_actions' as table_name, 'last_execution_status' as column_name, installation,
        last_execution_status as value, count(*) as rows_with_it
    from promote_image_actions
    group by installation, last_execution_status
    union all
    select
        'promote_image_actions' as table_name, 'permissions_others' as column_name, installation, permissions_others
        as value, count(*) as rows_with_it
    from promote_image_actions
    group by installation, permissions_others
    union all
    select
        'promote_image_actions' as table_name, 'src_docker_registry' as column_name, installation, src_docker_registry
        as value, count(*) as rows_with_it
    from promote_image_actions
    group by installation, src_docker_registry
    union all
    select
        'promote_image_actions' as table_name, 'dest_docker_registry' as column_name, installation,
        dest_docker_registry as value, count(*) as rows_with_it
    from promote_image_actions
    group by installation, dest_docker_registry
    union all
    select
        'trigger_conditions' as table_name, 'trigger_condition' as column_name, installation, trigger_condition as
        value, count(*) as rows_with_it
    from trigger_conditions
    group by installation, trigger_condition
    union all
    select
        'trigger_conditions' as table_name, 'trigger_status' as column_name, installation, trigger_status as value,
        count(*) as rows_with_it
    from trigger_conditions
    group by installation, trigger_status
    union all
    select 'variables' as table_name, 'type' as column_name, installation, type as value, count(*) as rows_with_it
    from variables
    group by installation, type
    union all
    select
        'variables' as table_name, 'file_place' as column_name, installation, file_place as value, count(*) as
        rows_with_it
    from variables
    group by installation, file_place
    union all
    select
        'permissions' as table_name, 'access_level' as column_name, installation, access_level as value, count(*) as
        rows_with_it
    from permissions
    group by installation, access_level
),
watched as (select distinct table_name, column_name from known_enum_values)
select
    concat(
        found.table_name, '.', found.column_name, ': unknown value ', found.value, ' in ', found.rows_with_it, ' rows'
    ) as message,
    found.installation
from found
inner join watched on found.table_name = watched.table_name and found.column_name = watched.column_name
left join known_enum_values
    on
        found.table_name = known_enum_values.table_name
        and found.column_name = known_enum_values.column_name
        and found.value = known_enum_values.value
where found.value is not null and known_enum_values.value is null
order by message, found.installation

-- Every enum value is one that Buddy documents; an unknown one is kept, and said once per night.
-- warning
with
fields as (
    select
        'projects' as table_name,
        installation,
        unnest([
            {'column_name': 'status', 'value': status},
            {'column_name': 'access', 'value': access}
        ]) as field
    from projects
    union all
    select
        'pipelines' as table_name,
        installation,
        unnest([
            {'column_name': 'priority', 'value': priority},
            {'column_name': 'last_execution_status', 'value': last_execution_status},
            {'column_name': 'definition_source', 'value': definition_source},
            {'column_name': 'git_config_ref', 'value': git_config_ref},
            {'column_name': 'git_changeset_base', 'value': git_changeset_base},
            {'column_name': 'filesystem_changeset_base', 'value': filesystem_changeset_base},
            {'column_name': 'cpu', 'value': cpu}
        ]) as field
    from pipelines
    union all
    select
        'actions' as table_name,
        installation,
        unnest([
            {'column_name': 'trigger_time', 'value': trigger_time},
            {'column_name': 'last_execution_status', 'value': last_execution_status}
        ]) as field
    from actions
    union all
    select
        'promote_image_actions' as table_name,
        installation,
        unnest([
            {'column_name': 'trigger_time', 'value': trigger_time},
            {'column_name': 'run_next', 'value': run_next},
            {'column_name': 'last_execution_status', 'value': last_execution_status},
            {'column_name': 'permissions_others', 'value': permissions_others},
            {'column_name': 'src_docker_registry', 'value': src_docker_registry},
            {'column_name': 'dest_docker_registry', 'value': dest_docker_registry}
        ]) as field
    from promote_image_actions
    union all
    select
        'trigger_conditions' as table_name,
        installation,
        unnest([
            {'column_name': 'trigger_condition', 'value': trigger_condition},
            {'column_name': 'trigger_status', 'value': trigger_status}
        ]) as field
    from trigger_conditions
    union all
    select
        'variables' as table_name,
        installation,
        unnest([
            {'column_name': 'type', 'value': type},
            {'column_name': 'file_place', 'value': file_place}
        ]) as field
    from variables
    union all
    select
        'permissions' as table_name,
        installation,
        unnest([
            {'column_name': 'access_level', 'value': access_level}
        ]) as field
    from permissions
),
found as (
    select table_name, field.column_name as column_name, installation, field.value as value, count(*) as rows_with_it
    from fields
    group by all
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

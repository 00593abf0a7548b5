-- One row per thing that Buddy sent and the contract doesn't know: a field without a column, or an undocumented enum value.
--
-- object is the table it was found in; name is the field's path in the reply (pipeline.labels), or the column with the
-- value after "=". first_seen is the first night of the lake that held it, last_seen the last; last_things counts the rows
-- of that last night that had it. A field that is a column of another table of the same object (the pipeline inside an
-- action, the address of an action in a list) is known. json_keys is DuckDB's.
with
columns_known as (
    select table_name, column_name
    from information_schema.columns
    where table_name in ('workspaces', 'projects', 'pipelines', 'promote_image_actions', 'variables', 'trigger_conditions')
),
promotion_extras as (select * from promote_image_actions),
action_extras as (select * from actions),
pipeline_extras as (select * from pipelines),
project_extras as (select * from projects),
workspace_extras as (select * from workspaces),
condition_extras as (select * from trigger_conditions),
variable_extras as (select * from variables),
permission_values as (select * from permissions),
documented as (select * from documented_values),
-- Grouped by the list of keys before they are taken apart: a night has thousands of rows and a handful of such lists.
key_lists as (
    select
        'promote_image_actions' as object,
        run_id,
        run_date,
        json_keys(extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions']) as keys,
        count(*) as things
    from promotion_extras where extra is not null
    group by all
    union all
    select 'actions' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from action_extras where extra is not null
    group by all
    union all
    select 'pipelines' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from pipeline_extras where extra is not null
    group by all
    union all
    select 'projects' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from project_extras where extra is not null
    group by all
    union all
    select 'workspaces' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from workspace_extras where extra is not null
    group by all
    union all
    select 'trigger_conditions' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from condition_extras where extra is not null
    group by all
    union all
    select 'variables' as object, run_id, run_date, [json_keys(extra)] as keys, count(*) as things
    from variable_extras where extra is not null
    group by all
),
places (place, prefix) as (values (1, ''), (2, 'pipeline.'), (3, 'src.'), (4, 'dest.'), (5, 'permissions.')),
fields as (
    select
        key_lists.object,
        places.prefix,
        unnest(key_lists.keys[places.place]) as field,
        key_lists.run_id,
        key_lists.run_date,
        key_lists.things
    from key_lists
    inner join places on places.place <= len(key_lists.keys)
),
unknown_fields as (
    select
        fields.object,
        'field' as drift,
        fields.prefix || fields.field as name,
        fields.run_id,
        fields.run_date,
        sum(fields.things) as things
    from fields
    left join columns_known
        on
            fields.field = columns_known.column_name
            and columns_known.table_name = case
                when fields.prefix = 'pipeline.' then 'pipelines'
                when fields.object = 'actions' then 'promote_image_actions'
                else fields.object
            end
    where
        columns_known.column_name is null
        -- The objects whose members are looked at one by one.
        and not (
            fields.object = 'promote_image_actions' and fields.prefix = ''
            and fields.field in ('pipeline', 'src', 'dest', 'permissions')
        )
        and not (fields.prefix in ('src.', 'dest.') and fields.field = 'integration')
    group by all
),
-- Counted before they are unpivoted, for the same reason.
project_counts as (
    select run_id, run_date, status, access, count(*) as things
    from project_extras
    group by all
),
pipeline_counts as (
    select run_id, run_date, priority, last_execution_status, definition_source, git_config_ref, git_changeset_base, filesystem_changeset_base, cpu, count(*) as things
    from pipeline_extras
    group by all
),
action_counts as (
    select run_id, run_date, trigger_time, last_execution_status, count(*) as things
    from action_extras
    group by all
),
promotion_counts as (
    select run_id, run_date, trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry, dest_docker_registry, count(*) as things
    from promotion_extras
    group by all
),
trigger_condition_counts as (
    select run_id, run_date, trigger_condition, trigger_status, count(*) as things
    from condition_extras
    group by all
),
variable_counts as (
    select run_id, run_date, type, file_place, count(*) as things
    from variable_extras
    group by all
),
permission_counts as (
    select run_id, run_date, access_level, count(*) as things
    from permission_values
    group by all
),
enum_values as (
    select 'projects' as object, run_id, run_date, column_name, value, things
    from project_counts unpivot (value for column_name in (status, access))
    union all
    select 'pipelines' as object, run_id, run_date, column_name, value, things
    from pipeline_counts unpivot (value for column_name in (priority, last_execution_status, definition_source, git_config_ref, git_changeset_base, filesystem_changeset_base, cpu))
    union all
    select 'actions' as object, run_id, run_date, column_name, value, things
    from action_counts unpivot (value for column_name in (trigger_time, last_execution_status))
    union all
    select 'promote_image_actions' as object, run_id, run_date, column_name, value, things
    from promotion_counts unpivot (value for column_name in (trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry, dest_docker_registry))
    union all
    select 'trigger_conditions' as object, run_id, run_date, column_name, value, things
    from trigger_condition_counts unpivot (value for column_name in (trigger_condition, trigger_status))
    union all
    select 'variables' as object, run_id, run_date, column_name, value, things
    from variable_counts unpivot (value for column_name in (type, file_place))
    union all
    select 'permissions' as object, run_id, run_date, column_name, value, things
    from permission_counts unpivot (value for column_name in (access_level))
),
unknown_values as (
    select
        enum_values.object,
        'value' as drift,
        enum_values.column_name || ' = ' || enum_values.value as name,
        enum_values.run_id,
        enum_values.run_date,
        sum(enum_values.things) as things
    from enum_values
    left join documented
        on
            enum_values.object = documented.table_name
            and enum_values.column_name = documented.column_name
            and enum_values.value = documented.value
    where documented.value is null
    group by all
),
nights as (
    select object, drift, name, run_id, run_date, things from unknown_fields
    union all
    select object, drift, name, run_id, run_date, things from unknown_values
)
select
    object,
    drift,
    name,
    min(run_id) as first_seen_run_id,
    min(run_date) as first_seen_date,
    max(run_id) as last_seen_run_id,
    max(run_date) as last_seen_date,
    count(distinct run_id) as nights,
    cast(max_by(things, run_id) as bigint) as last_things
from nights
group by object, drift, name

-- One row per thing that Buddy sent and the contract doesn't know: a field without a column, or an undocumented enum value.
--
-- object is the table it was found in; name is the field's path in the reply (pipeline.labels), or the column with the
-- value after "=". first_seen and last_seen are the first and the last night of the lake that held it; things counts the
-- rows of the selected run that do. A field that is a column of another table of the same object (the pipeline inside an
-- action, the address of an action in a list) is known.
-- Equal texts are gathered, by their hash, before they are taken apart: what is left over of an action is the same text
-- on many nights. hash, json_keys, any_value and group by all are DuckDB's.
with
chosen as (select run_id as chosen_run_id from selected_run),
documented as (select * from documented_values),
columns_known as (
    select table_name, column_name
    from information_schema.columns
    where table_name in (
        'workspaces', 'projects', 'pipelines', 'promote_image_actions', 'trigger_conditions', 'variables'
    )
),
leftovers as (
    select
        'workspaces' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from workspaces
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'projects' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from projects
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'pipelines' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from pipelines
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'actions' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from actions
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'promote_image_actions' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from promote_image_actions
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'trigger_conditions' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from trigger_conditions
    cross join chosen
    where extra is not null
    group by hash(extra)
    union all
    select
        'variables' as object,
        any_value(extra) as extra,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from variables
    cross join chosen
    where extra is not null
    group by hash(extra)
),
places (place, prefix) as (values (1, ''), (2, 'pipeline.'), (3, 'src.'), (4, 'dest.'), (5, 'permissions.')),
-- Gathered again by their lists of keys, of which there are a handful.
key_lists as (
    select
        object,
        json_keys(extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions']) as keys,
        min(first_run_id) as first_run_id,
        min(first_date) as first_date,
        max(last_run_id) as last_run_id,
        max(last_date) as last_date,
        sum(things) as things
    from leftovers
    group by all
),
fields as (
    select
        key_lists.object,
        places.prefix,
        unnest(key_lists.keys[places.place]) as field,
        key_lists.first_run_id,
        key_lists.first_date,
        key_lists.last_run_id,
        key_lists.last_date,
        key_lists.things
    from key_lists
    inner join places on places.place = 1 or key_lists.object = 'promote_image_actions'
),
unknown_fields as (
    select
        fields.object,
        'field' as drift,
        fields.prefix || fields.field as name,
        fields.first_run_id,
        fields.first_date,
        fields.last_run_id,
        fields.last_date,
        fields.things
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
        -- What an integration says beside its id.
        and not (fields.prefix in ('src.', 'dest.') and fields.field = 'integration')
),
-- Counted before they are unpivoted, for the same reason.
project_values as (
    select
        status,
        access,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from projects
    cross join chosen
    group by all
),
pipeline_values as (
    select
        priority,
        last_execution_status,
        definition_source,
        git_config_ref,
        git_changeset_base,
        filesystem_changeset_base,
        cpu,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from pipelines
    cross join chosen
    group by all
),
action_values as (
    select
        trigger_time,
        last_execution_status,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from actions
    cross join chosen
    group by all
),
promotion_values as (
    select
        trigger_time,
        run_next,
        last_execution_status,
        permissions_others,
        src_docker_registry,
        dest_docker_registry,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from promote_image_actions
    cross join chosen
    group by all
),
trigger_condition_values as (
    select
        trigger_condition,
        trigger_status,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from trigger_conditions
    cross join chosen
    group by all
),
variable_values as (
    select
        type,
        file_place,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from variables
    cross join chosen
    group by all
),
permission_values as (
    select
        access_level,
        min(run_id) as first_run_id,
        min(run_date) as first_date,
        max(run_id) as last_run_id,
        max(run_date) as last_date,
        count(*) filter (where run_id = chosen_run_id) as things
    from permissions
    cross join chosen
    group by all
),
enum_values as (
    select 'projects' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from project_values
    unpivot (value for column_name in (
        status, access
    ))
    union all
    select 'pipelines' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from pipeline_values
    unpivot (value for column_name in (
        priority, last_execution_status, definition_source, git_config_ref, git_changeset_base,
        filesystem_changeset_base, cpu
    ))
    union all
    select 'actions' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from action_values
    unpivot (value for column_name in (
        trigger_time, last_execution_status
    ))
    union all
    select 'promote_image_actions' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from promotion_values
    unpivot (value for column_name in (
        trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry,
        dest_docker_registry
    ))
    union all
    select 'trigger_conditions' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from trigger_condition_values
    unpivot (value for column_name in (
        trigger_condition, trigger_status
    ))
    union all
    select 'variables' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from variable_values
    unpivot (value for column_name in (
        type, file_place
    ))
    union all
    select 'permissions' as object, column_name, value, first_run_id, first_date, last_run_id, last_date, things
    from permission_values
    unpivot (value for column_name in (
        access_level
    ))
),
unknown_values as (
    select
        enum_values.object,
        'value' as drift,
        enum_values.column_name || ' = ' || enum_values.value as name,
        enum_values.first_run_id,
        enum_values.first_date,
        enum_values.last_run_id,
        enum_values.last_date,
        enum_values.things
    from enum_values
    left join documented
        on
            enum_values.object = documented.table_name
            and enum_values.column_name = documented.column_name
            and enum_values.value = documented.value
    where documented.value is null
),
unknown as (
    select object, drift, name, first_run_id, first_date, last_run_id, last_date, things from unknown_fields
    union all
    select object, drift, name, first_run_id, first_date, last_run_id, last_date, things from unknown_values
)
select
    object,
    drift,
    name,
    min(first_run_id) as first_seen_run_id,
    min(first_date) as first_seen_date,
    max(last_run_id) as last_seen_run_id,
    max(last_date) as last_seen_date,
    cast(sum(things) as bigint) as things
from unknown
group by object, drift, name

-- One row per object and unknown field or enum value that Buddy sent in the selected run.
--
-- The input of schema_drift, which adds since when. object is the table. For a field, place and inside are its location
-- in the reply (pipeline.), and word is its name; for a value, inside is the column and word the value. things is the
-- number of rows that have it. Known are the columns (for the pipeline inside an action those of pipelines, for an
-- action in a list those of a promotion), the fields in the view fields_without_column, and the values in
-- documented_values.
-- Each table is read once, for the selected run and the lake's first run. json_keys, lists of structs and group by all
-- are DuckDB's.
with
chosen as (select run_id as chosen_run_id from selected_run),
first_night as (select run_id as first_run_id from runs order by run_id limit 1),
looked_at as (
    select chosen_run_id from chosen
    union all
    select first_run_id from first_night
),
documented as (select * from documented_values),
columns_known as (
    select table_name as object, column_name as field
    from information_schema.columns
    where table_name in (
        'workspaces', 'projects', 'pipelines', 'promote_image_actions', 'trigger_conditions', 'variables'
    )
    union
    select object, field from fields_without_column
),
found as materialized (
    select
        'workspaces' as object,
        run_id,
        extra,
        null as enums
    from workspaces
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'projects' as object,
        run_id,
        extra,
        [
            {'column_name': 'status', 'value': status},
            {'column_name': 'access', 'value': access}
        ] as enums
    from projects
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'pipelines' as object,
        run_id,
        extra,
        [
            {'column_name': 'priority', 'value': priority},
            {'column_name': 'last_execution_status', 'value': last_execution_status},
            {'column_name': 'definition_source', 'value': definition_source},
            {'column_name': 'git_config_ref', 'value': git_config_ref},
            {'column_name': 'git_changeset_base', 'value': git_changeset_base},
            {'column_name': 'filesystem_changeset_base', 'value': filesystem_changeset_base},
            {'column_name': 'cpu', 'value': cpu}
        ] as enums
    from pipelines
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'actions' as object,
        run_id,
        extra,
        [
            {'column_name': 'trigger_time', 'value': trigger_time},
            {'column_name': 'last_execution_status', 'value': last_execution_status}
        ] as enums
    from actions
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'promote_image_actions' as object,
        run_id,
        extra,
        [
            {'column_name': 'trigger_time', 'value': trigger_time},
            {'column_name': 'run_next', 'value': run_next},
            {'column_name': 'last_execution_status', 'value': last_execution_status},
            {'column_name': 'permissions_others', 'value': permissions_others},
            {'column_name': 'src_docker_registry', 'value': src_docker_registry},
            {'column_name': 'dest_docker_registry', 'value': dest_docker_registry}
        ] as enums
    from promote_image_actions
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'trigger_conditions' as object,
        run_id,
        extra,
        [
            {'column_name': 'trigger_condition', 'value': trigger_condition},
            {'column_name': 'trigger_status', 'value': trigger_status}
        ] as enums
    from trigger_conditions
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'variables' as object,
        run_id,
        extra,
        [
            {'column_name': 'type', 'value': type},
            {'column_name': 'file_place', 'value': file_place}
        ] as enums
    from variables
    where run_id in (select chosen_run_id from looked_at)
    union all
    select
        'permissions' as object,
        run_id,
        null as extra,
        [
            {'column_name': 'access_level', 'value': access_level}
        ] as enums
    from permissions
    where run_id in (select chosen_run_id from looked_at)
),
-- Where members are looked at one by one: the number of the path in the list below, what it is called, whose fields it has.
places (place, object, prefix, known_as) as (
    values
        (1, 'workspaces', '', 'workspaces'),
        (1, 'projects', '', 'projects'),
        (1, 'pipelines', '', 'pipelines'),
        (1, 'actions', '', 'promote_image_actions'),
        (1, 'trigger_conditions', '', 'trigger_conditions'),
        (1, 'variables', '', 'variables'),
        (1, 'promote_image_actions', '', 'promote_image_actions'),
        (2, 'promote_image_actions', 'pipeline.', 'pipelines'),
        (3, 'promote_image_actions', 'src.', 'ends'),
        (4, 'promote_image_actions', 'dest.', 'ends'),
        (5, 'promote_image_actions', 'permissions.', 'rights')
),
key_lists as (
    select
        object,
        run_id,
        json_keys(extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions']) as keys,
        count(*) as rows_alike
    from found
    where extra is not null
    group by all
),
fields as (
    select
        key_lists.object,
        key_lists.run_id,
        places.place,
        places.prefix,
        places.known_as,
        unnest(key_lists.keys[places.place]) as field,
        key_lists.rows_alike
    from key_lists
    inner join places on key_lists.object = places.object
),
enum_lists as (
    select object, run_id, enums, count(*) as rows_alike
    from found
    group by all
),
enum_values as (
    select object, run_id, unnest(enums) as enum, rows_alike
    from enum_lists
),
unknown as (
    select
        'field' as drift,
        fields.object,
        fields.run_id,
        fields.place,
        fields.prefix as inside,
        fields.field as word,
        fields.rows_alike
    from fields
    left join columns_known on fields.known_as = columns_known.object and fields.field = columns_known.field
    where columns_known.field is null
    union all
    select
        'value' as drift,
        enum_values.object,
        enum_values.run_id,
        0 as place,
        enum_values.enum.column_name as inside,
        enum_values.enum.value as word,
        enum_values.rows_alike
    from enum_values
    left join documented
        on
            enum_values.object = documented.table_name
            and enum_values.enum.column_name = documented.column_name
            and enum_values.enum.value = documented.value
    where documented.value is null
)
select
    drift,
    object,
    place,
    inside,
    word,
    cast(sum(rows_alike) filter (where run_id in (select chosen_run_id from chosen)) as bigint) as things,
    bool_or(run_id in (select first_run_id from first_night)) as on_first_night
from unknown
where word is not null
group by all
having things > 0

-- One row per field that Buddy sent in the selected run and that has no column, nor is documented.
--
-- object is the table it was found in; name is the field's path in the reply (pipeline.labels). things counts the rows that
-- hold it, first_seen is the first night that did. Known are columns (of the pipeline inside an action those of pipelines,
-- of an action in a list those of a promotion), and what the view fields_without_column lists.
-- What the lake's first night held already was first seen then. Only for the rest are the nights between searched, and only
-- in the tables that hold it; what is left over of a thing is the same on many nights, so there are few texts. json_keys,
-- to_json and group by all are DuckDB's.
with
chosen as (select run_id as chosen_run_id from selected_run),
first_night as (select run_id as first_run_id, run_date as first_date from runs order by run_id limit 1),
looked_at as (
    select chosen_run_id from chosen
    union all
    select first_run_id from first_night
),
columns_known as (
    select table_name as object, column_name as field
    from information_schema.columns
    where table_name in (
        'workspaces', 'projects', 'pipelines', 'promote_image_actions', 'trigger_conditions', 'variables'
    )
    union
    select object, field from fields_without_column
),
leftovers as (
    select 'workspaces' as object, run_id, extra
    from workspaces
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'projects' as object, run_id, extra
    from projects
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'pipelines' as object, run_id, extra
    from pipelines
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'actions' as object, run_id, extra
    from actions
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'promote_image_actions' as object, run_id, extra
    from promote_image_actions
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'trigger_conditions' as object, run_id, extra
    from trigger_conditions
    where extra is not null and run_id in (select chosen_run_id from looked_at)
    union all
    select 'variables' as object, run_id, extra
    from variables
    where extra is not null and run_id in (select chosen_run_id from looked_at)
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
    from leftovers
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
unknown_fields as materialized (
    select
        fields.object,
        fields.place,
        fields.prefix,
        fields.field,
        sum(fields.rows_alike) filter (where fields.run_id in (select chosen_run_id from chosen)) as things,
        bool_or(fields.run_id in (select first_run_id from first_night)) as on_first_night
    from fields
    left join columns_known on fields.known_as = columns_known.object and fields.field = columns_known.field
    where columns_known.field is null
    group by all
    having things > 0
),
gates as (select distinct object from unknown_fields where not on_first_night),
history as (
    select 'workspaces' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from workspaces
    inner join gates on gates.object = 'workspaces'
    where extra is not null
    group by extra
    union all
    select 'projects' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from projects
    inner join gates on gates.object = 'projects'
    where extra is not null
    group by extra
    union all
    select 'pipelines' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from pipelines
    inner join gates on gates.object = 'pipelines'
    where extra is not null
    group by extra
    union all
    select 'actions' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from actions
    inner join gates on gates.object = 'actions'
    where extra is not null
    group by extra
    union all
    select 'promote_image_actions' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from promote_image_actions
    inner join gates on gates.object = 'promote_image_actions'
    where extra is not null
    group by extra
    union all
    select 'trigger_conditions' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from trigger_conditions
    inner join gates on gates.object = 'trigger_conditions'
    where extra is not null
    group by extra
    union all
    select 'variables' as object, extra, min(run_id) as run_id, min(run_date) as run_date
    from variables
    inner join gates on gates.object = 'variables'
    where extra is not null
    group by extra
),
first_fields as (
    select
        unknown_fields.object,
        unknown_fields.place,
        unknown_fields.field,
        min(history.run_id) as run_id,
        min(history.run_date) as run_date
    from history
    inner join unknown_fields
        on
            history.object = unknown_fields.object
            -- Cheap, and sure to be true where the next one is; that one looks in the right place.
            and contains(history.extra, concat(to_json(unknown_fields.field), ':'))
            and list_contains(
                json_keys(history.extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions'])[unknown_fields.place],
                unknown_fields.field
            )
    group by all
)
select
    unknown_fields.object,
    unknown_fields.prefix || unknown_fields.field as name,
    cast(unknown_fields.things as bigint) as things,
    case when unknown_fields.on_first_night then first_night.first_run_id else first_fields.run_id end as first_seen_run_id,
    case when unknown_fields.on_first_night then first_night.first_date else first_fields.run_date end as first_seen_date
from unknown_fields
left join first_night on unknown_fields.on_first_night
left join first_fields
    on
        unknown_fields.object = first_fields.object
        and unknown_fields.place = first_fields.place
        and unknown_fields.field = first_fields.field

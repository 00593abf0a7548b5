-- One row per object and unknown field or enum value that Buddy sent in the selected run.
--
-- The input of schema_drift, which adds since when. object is the table. For a field, place and inside are its location
-- in the reply (pipeline.), and word is its name; for a value, inside is the column and word the value. things is the
-- number of rows that have it. Known are the columns (for the pipeline inside an action those of pipelines, for an
-- action in a list those of a promotion), the fields in the view fields_without_column, and the values in
-- declared_values.
-- Each table is read once, for the selected run and the lake's first run. json_keys, lists of structs and group by all
-- are DuckDB's.
with
chosen as (select run_id as chosen_run_id from selected_run),
first_run as (select run_id as first_run_id from runs order by run_id limit 1),
looked_at as (
    select chosen_run_id as run_id from chosen
    union
    select first_run_id as run_id from first_run
),
known_fields as (
    select table_name as known_as, column_name as field
    from declared_columns
    union
    select object as known_as, field
    from fields_without_column
),
-- Where members are looked at one by one: the number of the path in the list below, what it is called, whose fields it has.
places (place, object, inside, known_as) as (
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
        table_name as object,
        run_id,
        json_keys(extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions']) as keys,
        count(*) as row_count
    from extras
    where run_id in (select run_id from looked_at)
    group by all
),
fields as (
    select
        object,
        run_id,
        place,
        inside,
        known_as,
        unnest(key_lists.keys[places.place]) as field,
        row_count
    from key_lists
    inner join places using (object)
),
unknown as (
    select 'field' as drift, object, run_id, place, inside, field as word, row_count
    from fields
    anti join known_fields using (known_as, field)
    union all
    select 'value' as drift, table_name as object, run_id, 0 as place, column_name as inside, value as word, row_count
    from enum_values
    anti join declared_values using (table_name, column_name, value)
    where run_id in (select run_id from looked_at)
)
select
    drift,
    object,
    place,
    inside,
    word,
    cast(sum(row_count) filter (where run_id in (select chosen_run_id from chosen)) as bigint) as things,
    bool_or(run_id in (select first_run_id from first_run)) as on_first_night
from unknown
group by all
having things > 0

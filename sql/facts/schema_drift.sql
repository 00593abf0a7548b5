-- One row per thing that Buddy sent in the selected run and the contract doesn't know: a field or an enum value.
--
-- name is the field's path in the reply (pipeline.labels), or the column with the value after "=". What is known, and how
-- far back is searched, stands in the views drifted_fields and drifted_values.
with
fields as (select * from drifted_fields),
enum_values as (select * from drifted_values)
select
    object,
    'field' as drift,
    name,
    things,
    first_seen_run_id,
    first_seen_date
from fields
union all
select
    object,
    'value' as drift,
    column_name || ' = ' || value as name,
    things,
    first_seen_run_id,
    first_seen_date
from enum_values

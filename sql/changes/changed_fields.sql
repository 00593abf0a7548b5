-- One row per compared column whose value in this run differs from the last known one.
--
-- Columns that the last known rows did not have yet are not compared: an older collector wrote them.
with
fields as (
    select * exclude (field), unnest(field) from compared_fields
)
select
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    previous_run_id,
    column_name,
    old_value,
    new_value
from fields
where
    old_value is distinct from new_value
    and column_name in (select column_name from comparable_columns)

-- One row per field that Buddy sent in the selected run and that has neither a column nor documentation.
--
-- object is the table, name the field's path in the reply (pipeline.labels). things is the number of rows that have it,
-- first_seen the first run that had it.
with
drift as (select * from schema_drift)
select
    object,
    name,
    things,
    first_seen_run_id,
    first_seen_date
from drift
where drift = 'field'

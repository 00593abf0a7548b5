-- One row per field that Buddy sent in the selected run and that has no column, nor is documented.
--
-- object is the table it was found in; name is the field's path in the reply (pipeline.labels). things counts the rows that
-- hold it, first_seen is the first night that did.
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

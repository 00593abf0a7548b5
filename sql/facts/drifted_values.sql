-- One row per column and enum value of the selected run that Buddy does not document.
--
-- object is the table. things is the number of rows that have the value, first_seen the first run that had it.
-- regexp_extract is DuckDB's; a value may contain an equals sign, a column name does not.
with
drift as (select * from schema_drift)
select
    object,
    regexp_extract(name, '^(\w+) = ', 1) as column_name,
    regexp_replace(name, '^\w+ = ', '') as value,
    things,
    first_seen_run_id,
    first_seen_date
from drift
where drift = 'value'

-- One row per column and enum value of the selected run that Buddy doesn't document.
--
-- object is the table. things counts the rows that hold the value, first_seen is the first night that did. regexp_extract is
-- DuckDB's: a value may hold an equals sign, a column's name does not.
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

-- Every enum value is one that Buddy documents; an unknown one is kept and reported once per run and installation.
-- notice
with
unknown as (
    select table_name, column_name, value, installation, sum(row_count) as row_count
    from enum_values
    anti join declared_values using (table_name, column_name, value)
    group by all
)
select
    concat(table_name, '.', column_name, ': unknown value ', value, ' (rows: ', row_count, ')') as message,
    installation
from unknown
order by message, installation

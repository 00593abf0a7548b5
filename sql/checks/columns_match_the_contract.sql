-- The staged files have exactly the columns of the contract.
-- blocking
with
staged_tables as (select distinct table_name from staged_columns),
-- A table without rows has no file and nothing to compare.
expected as (
    select table_name, column_name
    from declared_columns
    semi join staged_tables using (table_name)
),
differences as (
    select table_name, column_name, 'is missing' as difference
    from expected
    anti join staged_columns using (table_name, column_name)
    union all
    select table_name, column_name, 'is not in the contract' as difference
    from staged_columns
    anti join declared_columns using (table_name, column_name)
)
select concat(table_name, '.', column_name, ' ', difference) as message
from differences
order by message

-- The staged files have exactly the columns of the contract.
-- blocking
with
staged_tables as (select distinct table_name from staged_columns),
-- A table with no rows tonight has no file and nothing to compare.
expected as (
    select expected_columns.table_name, expected_columns.column_name
    from expected_columns
    inner join staged_tables on expected_columns.table_name = staged_tables.table_name
),
missing as (
    select expected.table_name, expected.column_name, 'is missing' as what
    from expected
    left join staged_columns
        on expected.table_name = staged_columns.table_name and expected.column_name = staged_columns.column_name
    where staged_columns.column_name is null
),
surplus as (
    select staged_columns.table_name, staged_columns.column_name, 'is not in the contract' as what
    from staged_columns
    left join expected_columns
        on
            staged_columns.table_name = expected_columns.table_name
            and staged_columns.column_name = expected_columns.column_name
    where expected_columns.column_name is null
),
differences as (
    select table_name, column_name, what from missing
    union all
    select table_name, column_name, what from surplus
)
select concat(table_name, '.', column_name, ' ', what) as message
from differences
order by message

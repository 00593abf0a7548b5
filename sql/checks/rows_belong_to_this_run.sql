-- Every staged row carries this run's id and date.
-- blocking
with
found as (
    select table_name, installation, run_id, run_date, sum(row_count) as row_count
    from staged_rows
    anti join this_run using (run_id, run_date)
    group by all
)
select
    concat(
        table_name, ': ', row_count, ' with run ', coalesce(run_id, 'NULL'), ' and date ',
        coalesce(cast(run_date as varchar), 'NULL')
    ) as message,
    installation
from found
order by message, installation

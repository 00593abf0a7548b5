-- One row per run of the lake and per date on which one began.
with
known as (select run_id, run_date from runs),
named as (
    select run_id as value from known
    union
    select cast(run_date as varchar) as value from known
)
select value
from named

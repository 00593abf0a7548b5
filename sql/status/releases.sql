-- One row per environment into which the selected run saw releases: how many.
select
    environment,
    count(*) as releases
from releases
where run_id in (select run_id from selected_run)
group by environment
order by environment

-- How have the nights gone: how many promotions, changes, failures, problems and requests had each?
-- $nights INTEGER = 400 : so many nights up to the selected run
--
-- Oldest first. not_seen is what a partial night could not see; its other counts are of what it saw.
with
totals as (select * from night_totals),
chosen as (select * from selected_run),
recent as (
    select totals.*
    from totals
    inner join chosen on totals.run_id <= chosen.run_id
    order by totals.run_id desc
    limit $nights
)
select
    run_id,
    run_date,
    started_at,
    status,
    promotions,
    failing,
    added,
    changed,
    removed,
    returned,
    ran,
    not_seen,
    problems,
    requests,
    retries,
    refusals,
    duration_seconds
from recent
order by run_id

-- One row per run and installation: what the run cost at Buddy's API, compared with the run before.
with
nights as (select * from runs)
select
    run_id,
    run_date,
    installation,
    status,
    started_at,
    finished_at,
    epoch(finished_at - started_at) as duration_seconds,
    requests,
    retries,
    refusals,
    bytes_received,
    paced_seconds,
    paused_seconds,
    problems,
    case when requests > 0 then cast(retries as double) / requests end as retry_share,
    lag(requests) over (partition by installation order by run_id) as previous_requests,
    requests - lag(requests) over (partition by installation order by run_id) as more_requests,
    avg(requests) over (
        partition by installation order by run_id rows between 30 preceding and 1 preceding
    ) as usual_requests
from nights

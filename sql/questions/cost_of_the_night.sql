-- What did the run cost at Buddy's API, and is that more than usual?
-- topic: cost
-- answer: installation, status, requests, usual_requests, refusals, requests_per_promotion, duration_seconds
--
-- usual_requests is the mean of up to 30 earlier runs; requests_per_promotion divides by the promotions read.
with
costs as (select * from api_cost),
chosen as (select * from selected_run),
read as (
    select installation, count(*) as promotions
    from promote_image_actions
    where run_id in (select run_id from selected_run)
    group by installation
)
select
    costs.installation,
    costs.status,
    costs.requests,
    costs.previous_requests,
    cast(round(costs.usual_requests) as bigint) as usual_requests,
    costs.retries,
    costs.refusals,
    coalesce(read.promotions, 0) as promotions,
    round(costs.requests / nullif(cast(read.promotions as double), 0), 2) as requests_per_promotion,
    round(costs.duration_seconds, 1) as duration_seconds,
    round(costs.paced_seconds, 1) as paced_seconds,
    round(costs.paused_seconds, 1) as paused_seconds,
    costs.bytes_received,
    costs.problems,
    costs.started_at
from costs
inner join chosen on costs.run_id = chosen.run_id
left join read on costs.installation = read.installation
order by costs.installation

-- One row per installation: what a run of it costs, as the newest undisturbed one of the last seven runs shows.
--
-- A run that was resumed, or saw only a part, says little about what a complete one takes: it counts only where there
-- is no other. The most_… are those of the largest of the seven: a small run may not have met the rate limit.
with
recent as (
    select
        run_id,
        installation,
        status,
        resumed_count,
        requests,
        epoch(finished_at - started_at) as seconds,
        paused_seconds
    from runs
    where run_id in (select run_id from runs group by run_id order by run_id desc limit 7)
),
largest as (
    select
        installation,
        max(requests) as most_requests,
        max_by(seconds, requests) as most_seconds,
        max_by(paused_seconds, requests) as most_paused
    from recent
    group by installation
)
select
    installation,
    recent.requests,
    recent.seconds,
    recent.paused_seconds,
    largest.most_requests,
    largest.most_seconds,
    largest.most_paused
from recent
inner join largest using (installation)
qualify row_number() over (
    partition by installation order by (recent.status = 'complete' and recent.resumed_count = 0) desc, recent.run_id desc
) = 1

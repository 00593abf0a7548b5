-- One row per installation: what a run of it costs, as the newest undisturbed one of the last seven runs shows.
--
-- A run that was resumed, or saw only a part, says little about what a complete one takes: it counts only where there
-- is no other.
select
    installation,
    requests,
    epoch(finished_at - started_at) as seconds,
    paused_seconds
from runs
where run_id in (select run_id from runs group by run_id order by run_id desc limit 7)
qualify row_number() over (
    partition by installation order by (status = 'complete' and resumed_count = 0) desc, run_id desc
) = 1

-- One row per run and installation with carried promotions: how many there are, and when the oldest of them was read.
--
-- A promotion is carried into a run when its pipeline was not due: the row is that of an earlier run, with its own
-- fetched_at. age_seconds counts from there to the beginning of the run.
with
-- Materialized, because a filter by the runs below would read more columns than the one by coverage.
carried as materialized (
    select run_id, installation, workspace, project, pipeline_id, action_id
    from actions
    where coverage = 'carried'
),
nights as (select run_id, run_date, installation, started_at from runs)
select
    nights.run_id,
    nights.run_date,
    nights.installation,
    count(*) as promotions,
    min(promotion.fetched_at) as oldest_read_at,
    round(epoch(nights.started_at) - epoch(min(promotion.fetched_at)), 1) as age_seconds
from carried
inner join promote_image_actions as promotion using (run_id, installation, workspace, project, pipeline_id, action_id)
inner join nights using (run_id, installation)
group by nights.run_id, nights.run_date, nights.installation, nights.started_at

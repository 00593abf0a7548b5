-- A run that saw everything has at least half of the promotions of the last complete run.
-- warning
--
-- Where something was not seen, the gap already explains fewer promotions. Where everything was seen, a token that lost its
-- rights looks the same as a company that deleted its pipelines, so somebody should check.
with
current_counts as (
    select installation, count(*) as actions
    from promote_image_actions
    group by installation
),
gaps as (
    select installation
    from staged_rows
    left join coverage_outcomes using (coverage)
    where coverage is not null and coalesce(outcome, 'missed') <> 'seen'
    union
    -- An installation whose workspaces could not be listed has no rows, only a problem without a workspace.
    select installation from problems where workspace is null
),
compared as (
    select
        installation,
        previous_counts.run_id,
        previous_counts.actions as before,
        coalesce(current_counts.actions, 0) as now
    from previous_counts
    left join current_counts using (installation)
    anti join gaps using (installation)
)
select
    concat(now, ' promotions in this run, ', before, ' in run ', run_id, ', although nothing is missing') as message,
    installation
from compared
where now * 2 < before
order by installation

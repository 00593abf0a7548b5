-- A night that claims to have seen everything has at least half of the promotions of the last complete run.
-- warning
--
-- Where something was not seen, fewer promotions are explained already; where all was seen, a token that lost its rights
-- looks the same as a company that deleted its pipelines, and somebody should look.
with
tonight as (
    select installation, count(*) as actions
    from promote_image_actions
    group by installation
),
covered as (
    select installation, coverage from workspaces
    union all
    select installation, coverage from projects
    union all
    select installation, coverage from pipelines
    union all
    select installation, coverage from actions
    union all
    -- Of an installation that could not even be listed there is nothing to cover: only a problem without a place.
    select installation, 'failed' as coverage from problems where workspace is null
),
gaps as (
    select installation
    from covered
    where coverage not in ('complete', 'fetched', 'not_promote_image', 'gone')
    group by installation
),
compared as (
    select
        previous_counts.installation,
        previous_counts.run_id,
        previous_counts.actions as before,
        coalesce(tonight.actions, 0) as now
    from previous_counts
    left join tonight on previous_counts.installation = tonight.installation
    left join gaps on previous_counts.installation = gaps.installation
    where gaps.installation is null
)
select
    concat(now, ' promotions tonight, ', before, ' in run ', run_id, ', though nothing is missing') as message,
    installation
from compared
where now * 2 < before
order by installation

-- One row per run: its promotions, changes, failures, problems and cost, over all installations.
--
-- promotions is the number of promote-image actions that were read or carried; a partial run may have missed some. carried
-- is the number of those that an earlier run read, and oldest_read_at the moment at which the oldest was read. not_seen is the
-- number of workspaces, projects, pipelines, actions and execution lists that were not completely seen. failing counts
-- promotions whose last execution is shown as failed. What changed is counted by the view run_changes.
with
nights as (
    select
        run_id,
        run_date,
        min(started_at) as started_at,
        max(finished_at) as finished_at,
        bool_and(status = 'complete') as all_complete,
        sum(requests) as requests,
        sum(retries) as retries,
        sum(refusals) as refusals,
        sum(problems) as problems,
        sum(coalesce(notices, 0)) as notices
    from runs
    group by run_id, run_date
),
changes as (select * from run_changes),
carried as (
    select run_id, sum(promotions) as carried, min(oldest_read_at) as oldest_read_at
    from carried_promotions
    group by run_id
),
gaps as (
    select run_id, sum(things) as not_seen
    from run_coverage
    -- Most items have one of these coverages, which leave no gap: they are passed over before anything is counted.
    where not whole and (coverage is null or coverage not in ('complete', 'fetched', 'not_promote_image'))
    group by run_id
)
select
    nights.run_id,
    nights.run_date,
    nights.started_at,
    nights.finished_at,
    case when nights.all_complete then 'complete' else 'partial' end as status,
    changes.seen as promotions,
    changes.failing,
    changes.known,
    changes.added,
    changes.changed,
    changes.changed_fields,
    changes.removed,
    changes.returned,
    changes.ran,
    cast(coalesce(gaps.not_seen, 0) as bigint) as not_seen,
    cast(nights.problems as bigint) as problems,
    cast(nights.notices as bigint) as notices,
    cast(nights.requests as bigint) as requests,
    cast(nights.retries as bigint) as retries,
    cast(nights.refusals as bigint) as refusals,
    round(epoch(nights.finished_at - nights.started_at), 1) as duration_seconds,
    cast(coalesce(carried.carried, 0) as bigint) as carried,
    carried.oldest_read_at
from nights
inner join changes on nights.run_id = changes.run_id
left join gaps on nights.run_id = gaps.run_id
left join carried on nights.run_id = carried.run_id

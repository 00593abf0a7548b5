-- One row per run: its promotions, changes, failures, problems and cost, over all installations.
--
-- promotions is the number of promote-image actions that were read or carried; a partial run may have missed some. carried
-- is the number of those that an earlier run read, and oldest_read_at the moment at which the oldest was read. not_seen is the
-- number of workspaces, projects, pipelines, actions and execution lists that were not completely seen. failing counts
-- promotions whose last execution is shown as failed. added, removed and returned count promotions; changed counts
-- promotions with a changed configuration, whatever the number of fields; ran counts those whose status or revision
-- changed.
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
        sum(problems) as problems
    from runs
    group by run_id, run_date
),
held as (
    select
        run_id,
        count(*) as promotions,
        count(*) filter (where last_execution_status = 'FAILED') as failing
    from promote_image_actions
    group by run_id
),
-- First one row per action and kind, because an action changes in many fields at once.
kinds as (
    select distinct run_id, installation, workspace, project, pipeline_id, action_id, change, aspect
    from action_changes
),
changes as (
    select
        run_id,
        count(*) filter (where change = 'added') as added,
        count(*) filter (where change = 'changed' and aspect = 'configuration') as changed,
        count(*) filter (where change = 'removed') as removed,
        count(*) filter (where change = 'returned') as returned,
        count(*) filter (where change = 'changed' and aspect = 'execution') as ran
    from kinds
    group by run_id
),
carried as (
    select run_id, sum(promotions) as carried, min(oldest_read_at) as oldest_read_at
    from carried_promotions
    group by run_id
),
gaps as (
    select run_id, sum(things) as not_seen
    from run_coverage
    where not whole
    group by run_id
)
select
    nights.run_id,
    nights.run_date,
    nights.started_at,
    nights.finished_at,
    case when nights.all_complete then 'complete' else 'partial' end as status,
    coalesce(held.promotions, 0) as promotions,
    coalesce(held.failing, 0) as failing,
    coalesce(changes.added, 0) as added,
    coalesce(changes.changed, 0) as changed,
    coalesce(changes.removed, 0) as removed,
    coalesce(changes.returned, 0) as returned,
    coalesce(changes.ran, 0) as ran,
    cast(coalesce(gaps.not_seen, 0) as bigint) as not_seen,
    cast(nights.problems as bigint) as problems,
    cast(nights.requests as bigint) as requests,
    cast(nights.retries as bigint) as retries,
    cast(nights.refusals as bigint) as refusals,
    round(epoch(nights.finished_at - nights.started_at), 1) as duration_seconds,
    cast(coalesce(carried.carried, 0) as bigint) as carried,
    carried.oldest_read_at
from nights
left join held on nights.run_id = held.run_id
left join changes on nights.run_id = changes.run_id
left join gaps on nights.run_id = gaps.run_id
left join carried on nights.run_id = carried.run_id

-- One row per run, newest first: what `collector status` shows of it, over all installations and for each.
-- $run_ids VARCHAR[] : the runs
--
-- The work is bounded by these runs, not by those that are kept.
with
shown as (select unnest($run_ids) as run_id),
held as (
    select run_id, installation, count(*) as promote_image_actions
    from promote_image_actions
    where run_id in (select run_id from shown)
    group by run_id, installation
),
coverages as (
    select run_id, installation, level, coverage, things, whole
    from run_coverage
    where run_id in (select run_id from shown)
),
carried as (
    select run_id, installation, promotions, oldest_read_at
    from carried_promotions
    where run_id in (select run_id from shown)
),
parts as (
    select
        runs.*,
        coalesce(held.promote_image_actions, 0) as promote_image_actions,
        coalesce(carried.promotions, 0) as carried,
        carried.oldest_read_at,
        -- The status in runs is that of the whole run.
        case
            when (runs.run_id, runs.installation) in (select (run_id, installation) from coverages where not whole)
                then 'partial'
            else 'complete'
        end as own_status
    from runs
    left join held on runs.run_id = held.run_id and runs.installation = held.installation
    left join carried on runs.run_id = carried.run_id and runs.installation = carried.installation
    where runs.run_id in (select run_id from shown)
),
levels as (
    select
        run_id,
        level,
        coverage,
        cast(sum(things) as bigint) as things,
        sum(things) filter (where not whole) as not_seen
    from coverages
    group by run_id, level, coverage
),
seen as (
    select
        run_id,
        list({'level': level, 'coverage': coverage, 'count': things} order by level, coverage) as coverage,
        cast(coalesce(sum(not_seen), 0) as bigint) as not_seen
    from levels
    group by run_id
)
select
    parts.run_id,
    parts.run_date,
    case when bool_and(parts.status = 'complete') then 'complete' else 'partial' end as status,
    min(parts.started_at) as started_at,
    max(parts.finished_at) as finished_at,
    round(epoch(max(parts.finished_at) - min(parts.started_at)), 1) as duration_seconds,
    max(parts.resumed_count) as resumed_count,
    cast(sum(parts.promote_image_actions) as bigint) as promote_image_actions,
    coalesce(any_value(seen.not_seen), 0) as not_seen,
    cast(sum(parts.problems) as bigint) as problems,
    cast(sum(coalesce(parts.notices, 0)) as bigint) as notices,
    cast(sum(parts.requests) as bigint) as requests,
    cast(sum(parts.retries) as bigint) as retries,
    cast(sum(parts.refusals) as bigint) as refusals,
    round(sum(parts.paused_seconds), 1) as paused_seconds,
    any_value(seen.coverage) as coverage,
    cast(sum(parts.carried) as bigint) as carried,
    min(parts.oldest_read_at) as oldest_read_at,
    list(
        {
            'installation': parts.installation,
            'status': parts.own_status,
            'started_at': parts.started_at,
            'finished_at': parts.finished_at,
            'promote_image_actions': parts.promote_image_actions,
            'problems': parts.problems,
            'notices': coalesce(parts.notices, 0),
            'requests': parts.requests,
            'retries': parts.retries,
            'refusals': parts.refusals,
            'paused_seconds': round(parts.paused_seconds, 1),
            'carried': parts.carried,
            'oldest_read_at': parts.oldest_read_at
        }
        order by parts.installation
    ) as installations
from parts
left join seen on parts.run_id = seen.run_id
group by parts.run_id, parts.run_date
order by parts.run_id desc

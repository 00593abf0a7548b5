-- One row per run: how many promotions changed and how, of how many that were seen, also as a line of text.
--
-- This is the one definition of these counts. added, removed, returned and changed (in the configuration, whatever the
-- number of fields: changed_fields) count promotions; ran counts those whose status or revision changed. seen is the
-- number of promotions that the run has, failing those of them whose last execution is shown as failed; known those that
-- exist as far as is known: seen in this run or an earlier one and not known removed, or listed and never read. It is
-- counted back from last_known_actions, whatever was pruned.
with
nights as (
    select run_id, run_date, bool_and(status = 'complete') as all_complete
    from runs
    group by run_id, run_date
),
-- First one row per action and kind, because an action changes in many fields at once.
kinds as (
    select run_id, installation, workspace, project, pipeline_id, action_id, change, aspect, count(*) as fields
    from action_changes
    group by run_id, installation, workspace, project, pipeline_id, action_id, change, aspect
),
counted as (
    select
        run_id,
        count(*) filter (where change = 'added') as added,
        count(*) filter (where change = 'removed') as removed,
        count(*) filter (where change = 'returned') as returned,
        count(*) filter (where change = 'changed' and aspect = 'configuration') as changed,
        sum(fields) filter (where change = 'changed' and aspect = 'configuration') as changed_fields,
        count(*) filter (where change = 'changed' and aspect = 'execution') as ran
    from kinds
    group by run_id
),
held as (
    select run_id, count(*) as seen, count(*) filter (where last_execution_status = 'FAILED') as failing
    from promote_image_actions
    group by run_id
),
present as (select installation, workspace, project, pipeline_id, action_id, first_seen_run_id from last_known_actions),
unread as (
    select actions.run_id, count(*) as never_read
    from actions
    left join present
        on
            actions.installation = present.installation
            and actions.workspace = present.workspace
            and actions.project = present.project
            and actions.pipeline_id = present.pipeline_id
            and actions.action_id = present.action_id
            and actions.run_id >= present.first_seen_run_id
    where
        actions.type = 'PROMOTE_IMAGE'
        and actions.coverage in ('failed', 'forbidden', 'quarantined', 'skipped')
        -- Says nothing new, but is compared while the file is read: no other column of most actions is.
        and actions.coverage not in ('carried', 'fetched', 'not_promote_image')
        and present.installation is null
    group by actions.run_id
),
-- What came and went after a run is taken back, the newest run first.
followed as (
    select
        nights.run_id,
        nights.run_date,
        nights.all_complete,
        coalesce(counted.added, 0) as added,
        coalesce(counted.removed, 0) as removed,
        coalesce(counted.returned, 0) as returned,
        coalesce(counted.changed, 0) as changed,
        cast(coalesce(counted.changed_fields, 0) as bigint) as changed_fields,
        coalesce(counted.ran, 0) as ran,
        coalesce(sum(counted.added + counted.returned - counted.removed) over later, 0) as came_later
    from nights
    left join counted on nights.run_id = counted.run_id
    window later as (order by nights.run_id rows between 1 following and unbounded following)
),
compared as (
    select
        followed.*,
        coalesce(held.seen, 0) as seen,
        coalesce(held.failing, 0) as failing,
        cast(
            (select count(*) from present) - followed.came_later + coalesce(unread.never_read, 0) as bigint
        ) as known
    from followed
    left join held on followed.run_id = held.run_id
    left join unread on followed.run_id = unread.run_id
)
select
    run_id,
    run_date,
    seen,
    failing,
    known,
    added,
    removed,
    returned,
    changed,
    changed_fields,
    ran,
    concat(
        case
            when added > 0 and added = seen and removed = 0 then concat('all ', added, ' seen for the first time')
            when added + removed + returned + changed + ran = 0 then 'nothing'
            else concat_ws(
                ', ',
                case when added > 0 then concat(added, ' added') end,
                case when removed > 0 then concat(removed, ' removed') end,
                case when returned > 0 then concat(returned, ' returned') end,
                case
                    when changed > 0
                        then concat(
                            changed, ' reconfigured (', changed_fields, ' field', case when changed_fields <> 1 then 's' end,
                            ')'
                        )
                end,
                case when ran > 0 then concat(ran, ' ran') end
            )
        end,
        case when not all_complete and seen < known then concat(' in the ', seen, ' of ', known, ' seen') end
    ) as line
from compared

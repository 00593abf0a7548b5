-- Which promotions have been running or waiting for several nights?
-- topic: health
-- answer: workspace, project, action, last_execution_status, nights, since_date
-- $nights INTEGER = 2 : in the same unfinished state in at least this many consecutive runs
-- rule: nights counts runs in a row that saw this status; a run that did not see the action neither counts nor ends it.
--
-- or_earlier: no run saw another status before, so that the state may be older.
with
selected as (select * from selected_promotions),
unfinished as materialized (
    select *
    from selected
    where
        last_execution_status in ('INPROGRESS', 'ENQUEUED', 'TERMINATING')
        or starts_with(last_execution_status, 'WAITING_FOR_')
),
nights as (select * from promote_image_actions),
history as (
    select
        unfinished.installation,
        unfinished.workspace,
        unfinished.project,
        unfinished.pipeline_id,
        unfinished.action_id,
        nights.run_id,
        nights.run_date,
        max(case when nights.last_execution_status is distinct from unfinished.last_execution_status then nights.run_id end)
            over (
                partition by
                    unfinished.installation,
                    unfinished.workspace,
                    unfinished.project,
                    unfinished.pipeline_id,
                    unfinished.action_id
            ) as other_run_id
    from nights
    inner join unfinished
        on
            nights.installation = unfinished.installation
            and nights.workspace = unfinished.workspace
            and nights.project = unfinished.project
            and nights.pipeline_id = unfinished.pipeline_id
            and nights.action_id = unfinished.action_id
            and nights.run_id <= unfinished.run_id
),
spells as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        count(*) as nights,
        min_by(run_date, run_id) as since_date,
        bool_and(other_run_id is null) as or_earlier
    from history
    where other_run_id is null or run_id > other_run_id
    group by installation, workspace, project, pipeline_id, action_id
)
select
    unfinished.installation,
    unfinished.workspace,
    unfinished.project,
    unfinished.pipeline,
    unfinished.action,
    unfinished.last_execution_status,
    spells.nights,
    spells.since_date,
    spells.or_earlier,
    unfinished.destination,
    unfinished.destination_environment,
    unfinished.html_url,
    unfinished.pipeline_id,
    unfinished.action_id
from unfinished
inner join spells
    on
        unfinished.installation = spells.installation
        and unfinished.workspace = spells.workspace
        and unfinished.project = spells.project
        and unfinished.pipeline_id = spells.pipeline_id
        and unfinished.action_id = spells.action_id
where spells.nights >= $nights
order by
    spells.nights desc,
    unfinished.installation,
    unfinished.workspace,
    unfinished.project,
    unfinished.pipeline_id,
    unfinished.action_id

-- Which promotions failed in their last execution, and for how many nights?
-- topic: health
-- answer: workspace, project, action, last_execution_status, nights, since_date, destination
-- $terminated BOOLEAN = false : also those whose last execution was terminated by a user
-- rule: nights counts runs in a row that saw this status; a run that did not see the action neither counts nor ends it.
--
-- or_earlier: no run saw another status before, so that the failure may be older.
-- nights counts consecutive runs of the collector up to the selected one with the same status; a run that did not see
-- the action neither counts nor ends the series. The result is that of the view failing_streaks, restricted to
-- promotions that fail in the selected run.
with
selected as (select * from selected_promotions),
failing as materialized (
    select *
    from selected
    where last_execution_status = 'FAILED' or ($terminated and last_execution_status = 'TERMINATED')
),
nights as (select * from promote_image_actions),
history as (
    select
        failing.installation,
        failing.workspace,
        failing.project,
        failing.pipeline_id,
        failing.action_id,
        nights.run_id,
        nights.run_date,
        max(case when nights.last_execution_status is distinct from failing.last_execution_status then nights.run_id end)
            over (
                partition by
                    failing.installation,
                    failing.workspace,
                    failing.project,
                    failing.pipeline_id,
                    failing.action_id
            ) as other_run_id
    from nights
    inner join failing
        on
            nights.installation = failing.installation
            and nights.workspace = failing.workspace
            and nights.project = failing.project
            and nights.pipeline_id = failing.pipeline_id
            and nights.action_id = failing.action_id
            and nights.run_id <= failing.run_id
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
    failing.installation,
    failing.workspace,
    failing.project,
    failing.pipeline,
    failing.action,
    failing.last_execution_status,
    spells.nights,
    spells.since_date,
    spells.or_earlier,
    failing.destination,
    failing.destination_environment,
    failing.html_url,
    failing.pipeline_id,
    failing.action_id
from failing
inner join spells
    on
        failing.installation = spells.installation
        and failing.workspace = spells.workspace
        and failing.project = spells.project
        and failing.pipeline_id = spells.pipeline_id
        and failing.action_id = spells.action_id
order by
    spells.nights desc,
    failing.installation,
    failing.workspace,
    failing.project,
    failing.pipeline_id,
    failing.action_id

-- Which promotions failed in their last run, and for how many nights has Buddy shown that?
-- $terminated BOOLEAN = false : also those whose last run somebody ended
with
tonight as (select * from selected_promotions),
streaks as (select * from failing_streaks)
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    tonight.last_execution_status,
    -- Of an older run only the part of the series up to it: its nights are not known to a row per series.
    case when streaks.last_run_id = tonight.run_id then streaks.nights end as nights,
    streaks.since_date,
    tonight.source,
    tonight.destination,
    tonight.destination_environment,
    tonight.disabled,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join streaks
    on
        tonight.installation = streaks.installation
        and tonight.workspace = streaks.workspace
        and tonight.project = streaks.project
        and tonight.pipeline_id = streaks.pipeline_id
        and tonight.action_id = streaks.action_id
        and tonight.run_id between streaks.since_run_id and streaks.last_run_id
where tonight.last_execution_status = 'FAILED' or ($terminated and tonight.last_execution_status = 'TERMINATED')
order by
    nights desc nulls last,
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline_id,
    tonight.action_id

-- Which promotions run without an approval?
-- one run
-- $environment VARCHAR = '' : only promotions to this environment
-- $trust_wait_trigger BOOLEAN = false : count the trigger time ON_WAIT_FOR_APPROVE as an approval
--
-- An approval is an enabled "Wait for approval" action earlier in the pipeline (view approvals). Buddy documents
-- ON_WAIT_FOR_APPROVE as "run while the pipeline waits for a human", which is before the approval.
with
tonight as (select * from selected_promotions),
waits as materialized (
    select distinct installation, workspace, project, pipeline_id, action_id
    from approvals
    where run_id in (select run_id from selected_run)
)
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    tonight.trigger_time,
    tonight.source,
    tonight.destination,
    tonight.destination_environment,
    tonight.disabled,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join waits
    on
        tonight.installation = waits.installation
        and tonight.workspace = waits.workspace
        and tonight.project = waits.project
        and tonight.pipeline_id = waits.pipeline_id
        and tonight.action_id = waits.action_id
where
    waits.action_id is null
    and not ($trust_wait_trigger and coalesce(tonight.trigger_time, 'not known') = 'ON_WAIT_FOR_APPROVE')
    and ($environment = '' or tonight.destination_environment = $environment)
order by tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id

-- Which promotions run without an approval?
-- topic: security
-- answer: workspace, project, action, trigger_time, destination
-- one run
-- $environment VARCHAR = '' : only promotions to this environment
-- $trust_wait_trigger BOOLEAN = false : count the trigger time ON_WAIT_FOR_APPROVE as an approval
-- rule: ON_WAIT_FOR_APPROVE is no approval (unless trust_wait_trigger): Buddy runs the action before a human approves.
--
-- An approval is an enabled "Wait for approval" action earlier in the pipeline (view approvals). Buddy documents
-- ON_WAIT_FOR_APPROVE as "run while the pipeline waits for a human", which is before the approval.
with
selected as (select * from selected_promotions),
waits as materialized (
    select distinct installation, workspace, project, pipeline_id, action_id
    from approvals
    where run_id in (select run_id from selected_run)
)
select
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    selected.trigger_time,
    selected.source,
    selected.destination,
    selected.destination_environment,
    selected.disabled,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
left join waits
    on
        selected.installation = waits.installation
        and selected.workspace = waits.workspace
        and selected.project = waits.project
        and selected.pipeline_id = waits.pipeline_id
        and selected.action_id = waits.action_id
where
    waits.action_id is null
    and not ($trust_wait_trigger and coalesce(selected.trigger_time, 'not known') = 'ON_WAIT_FOR_APPROVE')
    and ($environment = '' or selected.destination_environment = $environment)
order by selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id

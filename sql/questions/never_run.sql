-- Which promotions have never run?
-- topic: health
-- answer: finding, workspace, project, pipeline, action, destination
-- one run
-- rule: Buddy's status is INITIAL, or there is neither a status nor a revision (not known).
--
-- These have Buddy's status INITIAL. An action with neither a status nor a revision is listed too, as not known.
with
selected as (select * from selected_promotions)
select
    installation,
    workspace,
    project,
    pipeline,
    action,
    case when last_execution_status = 'INITIAL' then 'never run' else 'not known' end as finding,
    case when last_execution_status = 'INITIAL' then 'certain' else 'not known' end as certainty,
    source,
    destination,
    destination_environment,
    disabled,
    html_url,
    pipeline_id,
    action_id
from selected
where
    last_execution_status = 'INITIAL'
    or (last_execution_status is null and current_revision is null)
order by finding, installation, workspace, project, pipeline_id, action_id

-- Which promotions have no permissions of their own?
-- topic: security
-- answer: workspace, project, pipeline, action, permissions_others, destination
-- one run
-- $environment VARCHAR = '' : only promotions to this environment
-- rule: no user or group is named, and the right of all others is missing or that of the pipeline (DEFAULT).
--
-- No user or group is named, and the right of all others is missing or that of the pipeline (DEFAULT).
with
selected as (select * from selected_promotions),
rights as (
    select distinct installation, workspace, project, pipeline_id, action_id
    from permissions
    where run_id in (select run_id from selected_run)
)
select
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    selected.permissions_others,
    selected.destination,
    selected.destination_environment,
    selected.disabled,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
left join rights
    on
        selected.installation = rights.installation
        and selected.workspace = rights.workspace
        and selected.project = rights.project
        and selected.pipeline_id = rights.pipeline_id
        and selected.action_id = rights.action_id
where
    rights.action_id is null
    and coalesce(selected.permissions_others, 'DEFAULT') = 'DEFAULT'
    and ($environment = '' or selected.destination_environment = $environment)
order by selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id

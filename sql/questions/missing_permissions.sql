-- Which promotions have no permissions of their own?
-- one run
-- $environment VARCHAR = '' : only promotions to this environment
--
-- No user or group is named, and the right of all others is missing or that of the pipeline (DEFAULT).
with
tonight as (select * from selected_promotions),
rights as (
    select distinct installation, workspace, project, pipeline_id, action_id
    from permissions
    where run_id in (select run_id from selected_run)
)
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    tonight.permissions_others,
    tonight.destination,
    tonight.destination_environment,
    tonight.disabled,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join rights
    on
        tonight.installation = rights.installation
        and tonight.workspace = rights.workspace
        and tonight.project = rights.project
        and tonight.pipeline_id = rights.pipeline_id
        and tonight.action_id = rights.action_id
where
    rights.action_id is null
    and coalesce(tonight.permissions_others, 'DEFAULT') = 'DEFAULT'
    and ($environment = '' or tonight.destination_environment = $environment)
order by tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id

-- Which promotions cannot run, because they, their pipeline or their project are disabled?
-- one run
with
tonight as (select * from selected_promotions),
lines as (select * from pipelines where run_id in (select run_id from selected_run)),
homes as (select * from projects where run_id in (select run_id from selected_run))
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    concat_ws(
        ', ',
        case when tonight.disabled then 'action disabled' end,
        case when lines.disabled then 'pipeline disabled' end,
        case when homes.status = 'CLOSED' then 'project closed' end
    ) as finding,
    lines.disabled_reason,
    tonight.source,
    tonight.destination,
    tonight.destination_environment,
    tonight.last_execution_status,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join lines
    on
        tonight.installation = lines.installation
        and tonight.workspace = lines.workspace
        and tonight.project = lines.project
        and tonight.pipeline_id = lines.pipeline_id
left join homes
    on
        tonight.installation = homes.installation
        and tonight.workspace = homes.workspace
        and tonight.project = homes.project
where tonight.disabled or lines.disabled or homes.status = 'CLOSED'
order by tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id

-- Which promotions cannot run, because they, their pipeline or their project are disabled?
-- topic: health
-- answer: workspace, project, pipeline, action, finding, destination
-- one run
-- rule: the action, its pipeline or its project is disabled.
with
selected as (select * from selected_promotions),
lines as (select * from pipelines where run_id in (select run_id from selected_run)),
homes as (select * from projects where run_id in (select run_id from selected_run))
select
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    concat_ws(
        ', ',
        case when selected.disabled then 'action disabled' end,
        case when lines.disabled then 'pipeline disabled' end,
        case when homes.status = 'CLOSED' then 'project closed' end
    ) as finding,
    lines.disabled_reason,
    selected.source,
    selected.destination,
    selected.destination_environment,
    selected.last_execution_status,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
left join lines
    on
        selected.installation = lines.installation
        and selected.workspace = lines.workspace
        and selected.project = lines.project
        and selected.pipeline_id = lines.pipeline_id
left join homes
    on
        selected.installation = homes.installation
        and selected.workspace = homes.workspace
        and selected.project = homes.project
where selected.disabled or lines.disabled or homes.status = 'CLOSED'
order by selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id

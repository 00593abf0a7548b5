-- Which projects have the most promotions, and how often do these change?
-- topic: change
-- answer: workspace, project, promotions, to_production, failed, configuration_changes
-- one run but for action_changes, runs
-- $nights INTEGER = 30 : count the changes of this many runs up to the selected one
-- rule: changes counts changed fields, additions and removals of the configuration in the last runs (parameter nights).
with
selected as (select * from selected_promotions),
chosen as (select * from selected_run),
recent_runs as materialized (
    select distinct runs.run_id
    from runs
    inner join chosen on runs.run_id <= chosen.run_id
    order by runs.run_id desc
    limit $nights
),
changes as (
    select installation, workspace, project, count(*) as changes
    from action_changes
    where run_id in (select run_id from recent_runs) and aspect = 'configuration'
    group by installation, workspace, project
),
homes as (select * from projects where run_id in (select run_id from selected_run)),
counted as (
    select
        installation,
        workspace,
        project,
        count(*) as promotions,
        count(distinct pipeline_id) as pipelines,
        count(*) filter (where destination_environment = 'production') as to_production,
        count(*) filter (where disabled is true) as disabled,
        count(*) filter (where last_execution_status = 'FAILED') as failed
    from selected
    group by installation, workspace, project
)
select
    counted.installation,
    counted.workspace,
    counted.project,
    homes.display_name,
    counted.promotions,
    counted.pipelines,
    counted.to_production,
    counted.disabled,
    counted.failed,
    coalesce(changes.changes, 0) as configuration_changes,
    homes.html_url
from counted
left join changes
    on
        counted.installation = changes.installation
        and counted.workspace = changes.workspace
        and counted.project = changes.project
left join homes
    on
        counted.installation = homes.installation
        and counted.workspace = homes.workspace
        and counted.project = homes.project
order by counted.promotions desc, configuration_changes desc, counted.installation, counted.workspace, counted.project

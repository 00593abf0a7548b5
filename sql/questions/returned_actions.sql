-- Which promotions came back after they had been removed?
-- topic: change
-- answer: workspace, project, action, removed_date, returned_date, days_away
with
lives as (select * from action_history where column_name is null),
removals as (select * from action_changes where change = 'removed'),
chosen as (select * from selected_run),
returns as (
    select
        lives.installation,
        lives.workspace,
        lives.project,
        lives.pipeline_id,
        lives.action_id,
        lives.valid_from_run_id as returned_run_id,
        lives.valid_from_date as returned_date,
        max(removals.run_id) as removed_run_id,
        max_by(removals.run_date, removals.run_id) as removed_date
    from lives
    inner join chosen on lives.valid_from_run_id <= chosen.run_id
    left join removals
        on
            lives.installation = removals.installation
            and lives.workspace = removals.workspace
            and lives.project = removals.project
            and lives.pipeline_id = removals.pipeline_id
            and lives.action_id = removals.action_id
            and lives.valid_from_run_id > removals.run_id
    where lives.value = 'returned'
    group by all
),
-- The name in the run that found it again.
named as (select * from promote_image_actions)
select
    returns.installation,
    returns.workspace,
    returns.project,
    coalesce(named.pipeline_name, named.pipeline_identifier) as pipeline,
    named.name as action,
    returns.removed_date,
    returns.returned_date,
    date_diff('day', returns.removed_date, returns.returned_date) as days_away,
    named.html_url,
    returns.pipeline_id,
    returns.action_id,
    returns.removed_run_id,
    returns.returned_run_id
from returns
left join named
    on
        returns.returned_run_id = named.run_id
        and returns.installation = named.installation
        and returns.workspace = named.workspace
        and returns.project = named.project
        and returns.pipeline_id = named.pipeline_id
        and returns.action_id = named.action_id
order by
    returns.returned_run_id desc,
    returns.installation,
    returns.workspace,
    returns.project,
    returns.pipeline_id,
    returns.action_id

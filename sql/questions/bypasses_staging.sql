-- Which images reach production without passing staging, and since when?
-- topic: security
-- answer: image, source, destination, comes_from, since_date
-- one run but for action_changes, runs
-- $disabled BOOLEAN = false : also list disabled promotions
-- rule: a source passed staging if it names staging, or other promotions reach it from there; a variable did not.
--
-- One row per promotion and reference of production that it writes, if its source was not in staging: the source neither
-- names staging (or production) nor can be reached from a reference of staging by other promotions. A source that is a
-- variable or names no environment was not seen in staging and is listed. since is the run that found the promotion going
-- from its present source to its present destination: when it was added or returned, when either end was edited, or when
-- it was enabled.
-- or_earlier: the history of the promotion begins with that run.
with recursive
selected as materialized (select * from selected_steps),
chosen as (select * from selected_run),
changes as (
    select *
    from action_changes
    where
        change in ('added', 'returned')
        or column_name in (
            'same_location',
            'src_docker_registry', 'src_registry', 'src_image', 'src_tag', 'src_region',
            'dest_docker_registry', 'dest_registry', 'dest_image', 'dest_tag', 'dest_region'
        )
        or (column_name = 'disabled' and old_value = 'true' and not $disabled)
),
first_nights as (
    select installation, min_by(run_date, run_id) as first_date, min(run_id) as first_run_id
    from runs
    group by installation
),
staged (installation, reference) as (
    select installation, source from selected where source_environment = 'staging' and not source_has_variable
    union
    select installation, destination from selected where destination_environment = 'staging' and not destination_has_variable
    union
    -- A union without "all" has no duplicates, so cycles end.
    select selected.installation, selected.destination
    from staged
    inner join selected on staged.installation = selected.installation and staged.reference = selected.source
    where not selected.destination_has_variable
),
bypassing as (
    select selected.*
    from selected
    left join staged on selected.installation = staged.installation and selected.source = staged.reference
    where
        selected.destination_environment = 'production'
        and coalesce(selected.source_environment, 'not named') not in ('staging', 'production')
        and (staged.reference is null or selected.source_has_variable)
        and ($disabled or selected.disabled is not true)
),
beginnings as (
    select
        changes.installation,
        changes.workspace,
        changes.project,
        changes.pipeline_id,
        changes.action_id,
        max_by(changes.run_date, changes.run_id) as since_date,
        max(changes.run_id) as since_run_id,
        max_by(changes.change, changes.run_id) as last_change
    from changes
    inner join chosen on changes.run_id <= chosen.run_id
    group by changes.installation, changes.workspace, changes.project, changes.pipeline_id, changes.action_id
)
select
    bypassing.destination_image as image,
    bypassing.source,
    bypassing.destination,
    coalesce(bypassing.source_environment, 'not known') as comes_from,
    case
        when bypassing.source is null then 'not known'
        when bypassing.source_has_variable then 'depends on a variable'
        else 'certain'
    end as certainty,
    coalesce(beginnings.since_date, first_nights.first_date) as since_date,
    beginnings.since_run_id is null
    or (beginnings.since_run_id = first_nights.first_run_id and beginnings.last_change = 'added') as or_earlier,
    bypassing.installation,
    bypassing.workspace,
    bypassing.project,
    bypassing.pipeline,
    bypassing.action,
    bypassing.html_url,
    bypassing.pipeline_id,
    bypassing.action_id,
    coalesce(beginnings.since_run_id, first_nights.first_run_id) as since_run_id
from bypassing
left join first_nights on bypassing.installation = first_nights.installation
left join beginnings
    on
        bypassing.installation = beginnings.installation
        and bypassing.workspace = beginnings.workspace
        and bypassing.project = beginnings.project
        and bypassing.pipeline_id = beginnings.pipeline_id
        and bypassing.action_id = beginnings.action_id
order by
    image, bypassing.installation, bypassing.workspace, bypassing.project, bypassing.pipeline_id, bypassing.action_id

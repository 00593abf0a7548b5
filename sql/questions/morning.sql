-- What happened last night: is the run complete, what changed, what failed, what is missing?
-- one run
-- $lines INTEGER = 5 : at most this many lines per part; a last line counts the others
with
changes as materialized (
    select * from action_changes
    where run_id in (select run_id from selected_run) and aspect = 'configuration'
),
tonight as materialized (
    select
        run_id,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        coalesce(name, cast(action_id as varchar)) as action,
        last_execution_status,
        html_url
    from promote_image_actions
    where run_id in (select run_id from selected_run)
),
statuses as (
    select * from action_changes
    where
        run_id in (select run_id from selected_run)
        and column_name = 'last_execution_status'
        and new_value = 'FAILED'
),
coverage as materialized (select * from run_coverage where run_id in (select run_id from selected_run)),
costs as (select * from runs where run_id in (select run_id from selected_run)),
summary as (
    select
        1 as part_order,
        'night' as part,
        concat(
            installation, ': ',
            case when installation in (select installation from coverage where not whole) then 'partial' else 'complete' end,
            ', ', (select count(*) from tonight where tonight.installation = costs.installation),
            ' promotions, ', requests, ' requests, ', problems, ' problems'
        ) as line,
        null as place,
        null as html_url,
        installation as sort_key
    from costs
),
changed as (
    select
        2 as part_order,
        'changed' as part,
        case
            when changes.change = 'changed' and length(concat(changes.old_value, changes.new_value)) > 100
                then concat(changes.column_name, ' changed')
            when changes.change = 'changed'
                then concat(
                    changes.column_name, ': ', coalesce(changes.old_value, 'nothing'), ' -> ',
                    coalesce(changes.new_value, 'nothing')
                )
            else changes.change
        end as line,
        concat_ws('/', changes.workspace, changes.project, coalesce(tonight.action, cast(changes.action_id as varchar)))
            as place,
        tonight.html_url,
        concat_ws(
            '/',
            case changes.change when 'removed' then 1 when 'returned' then 2 when 'added' then 3 else 4 end,
            changes.installation, changes.workspace, changes.project, changes.pipeline_id, changes.action_id,
            changes.column_name
        ) as sort_key
    from changes
    left join tonight
        on
            changes.installation = tonight.installation
            and changes.workspace = tonight.workspace
            and changes.project = tonight.project
            and changes.pipeline_id = tonight.pipeline_id
            and changes.action_id = tonight.action_id
),
failed as (
    select
        3 as part_order,
        'failed' as part,
        case
            when statuses.action_id is null then 'still failing'
            else concat('failing, was ', coalesce(statuses.old_value, 'nothing'))
        end as line,
        concat_ws('/', tonight.workspace, tonight.project, tonight.action) as place,
        tonight.html_url,
        concat_ws(
            '/', case when statuses.action_id is null then 2 else 1 end,
            tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id
        ) as sort_key
    from tonight
    left join statuses
        on
            tonight.installation = statuses.installation
            and tonight.workspace = statuses.workspace
            and tonight.project = statuses.project
            and tonight.pipeline_id = statuses.pipeline_id
            and tonight.action_id = statuses.action_id
    where tonight.last_execution_status = 'FAILED'
),
missing as (
    select
        4 as part_order,
        'missing' as part,
        concat(things, ' ', level, case when things = 1 then '' else 's' end, ' ', coalesce(coverage, 'not known')) as line,
        installation as place,
        null as html_url,
        concat_ws(
            '/', installation,
            list_position(['installation', 'workspace', 'project', 'pipeline', 'action'], level),
            coverage
        ) as sort_key
    from coverage
    where not whole
),
parts as (
    select * from summary
    union all
    select * from changed
    union all
    select * from failed
    union all
    select * from missing
),
numbered as (
    select
        part_order,
        part,
        line,
        place,
        html_url,
        row_number() over (partition by part_order order by sort_key) as line_number,
        count(*) over (partition by part_order) as lines_in_part
    from parts
),
shown as (
    select part_order, part, line_number, line, place, html_url
    from numbered
    where line_number <= $lines or part = 'night'
    union all
    select part_order, part, $lines + 1, concat('and ', lines_in_part - $lines, ' more'), null, null
    from numbered
    where line_number = $lines + 1 and part <> 'night'
)
select
    part,
    line,
    place,
    html_url
from shown
order by part_order, line_number

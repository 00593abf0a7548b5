-- What happened last night: is the run complete, what was released, what changed, what failed, what is missing?
-- topic: change
-- answer: part, line, place
-- one run but for action_changes, last_known_actions, promote_image_actions, runs
-- $lines INTEGER = 5 : at most this many lines per part; a last line counts the others
with
changes as materialized (select * from selected_changes_in_words where aspect = 'configuration'),
selected as materialized (
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
arrivals as (
    select * from changes
    where change in ('added', 'returned')
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
            ', ', (select count(*) from selected where selected.installation = costs.installation),
            ' promotions, ', requests, ' requests, ', problems, ' problem', case when problems <> 1 then 's' end
        ) as line,
        null as place,
        null as html_url,
        concat('1/', installation) as sort_key
    from costs
    union all
    select 1 as part_order, 'night' as part, concat('changed: ', line) as line, null as place, null as html_url, '2' as sort_key
    from run_changes
    where run_id in (select run_id from selected_run)
),
carried as (
    select
        1 as part_order,
        'night' as part,
        concat(
            'carried: ', promotions, ' promotion', case when promotions = 1 then '' else 's' end, ', the oldest read ',
            strftime(oldest_read_at, '%Y-%m-%d %H:%M')
        ) as line,
        installation as place,
        null as html_url,
        concat('~', installation) as sort_key  -- after all installations
    from carried_promotions
    where run_id in (select run_id from selected_run)
),
released as (
    select
        2 as part_order,
        'released' as part,
        concat(
            environment, ': ', reference, coalesce(' = ' || left(revision, 12), ''), coalesce(' by ' || creator_name, '')
        ) as line,
        concat_ws('/', workspace, project, coalesce(action, cast(action_id as varchar))) as place,
        html_url,
        concat_ws(
            '/', 9 - stage, strftime(released_at, '%Y%m%dT%H%M%S.%f'), installation, workspace, project, pipeline_id,
            execution_id, position, reference
        ) as sort_key
    from releases
    where run_id in (select run_id from selected_run)
    union all
    select
        2 as part_order,
        'released' as part,
        'not known: executions are not asked for (--executions off)' as line,
        installation as place,
        null as html_url,
        '' as sort_key
    from coverage
    where level = 'execution list' and coverage = 'not_asked'
),
changed as (
    select
        3 as part_order,
        'changed' as part,
        case
            when length(changes.difference) > 200 then concat(changes.column_name, ': ', left(changes.difference, 200), '…')
            when changes.change = 'changed' then concat(changes.column_name, ': ', changes.difference)
            else changes.change
        end as line,
        concat_ws('/', changes.workspace, changes.project, coalesce(selected.action, cast(changes.action_id as varchar)))
            as place,
        selected.html_url,
        concat_ws(
            '/',
            case changes.change when 'removed' then 1 when 'returned' then 2 when 'added' then 3 else 4 end,
            changes.installation, changes.workspace, changes.project, changes.pipeline_id, changes.action_id,
            changes.column_name
        ) as sort_key
    from changes
    left join selected
        on
            changes.installation = selected.installation
            and changes.workspace = selected.workspace
            and changes.project = selected.project
            and changes.pipeline_id = selected.pipeline_id
            and changes.action_id = selected.action_id
),
failed as (
    select
        4 as part_order,
        'failed' as part,
        case
            when statuses.action_id is not null then concat('failing, was ', coalesce(statuses.old_value, 'nothing'))
            when arrivals.change = 'added' then 'failing, first night seen'
            when arrivals.change = 'returned' then 'failing, first night seen again'
            else 'still failing'
        end as line,
        concat_ws('/', selected.workspace, selected.project, selected.action) as place,
        selected.html_url,
        concat_ws(
            '/', case when statuses.action_id is not null then 1 when arrivals.action_id is not null then 2 else 3 end,
            selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id
        ) as sort_key
    from selected
    left join statuses
        on
            selected.installation = statuses.installation
            and selected.workspace = statuses.workspace
            and selected.project = statuses.project
            and selected.pipeline_id = statuses.pipeline_id
            and selected.action_id = statuses.action_id
    left join arrivals
        on
            selected.installation = arrivals.installation
            and selected.workspace = arrivals.workspace
            and selected.project = arrivals.project
            and selected.pipeline_id = arrivals.pipeline_id
            and selected.action_id = arrivals.action_id
    where selected.last_execution_status = 'FAILED'
),
missing as (
    select
        5 as part_order,
        'missing' as part,
        concat(
            things, ' ', level, case when things = 1 then '' else 's' end, ' ', coalesce(coverage, 'not known'),
            case when level = 'execution list' then ': releases may be missing' else '' end
        ) as line,
        installation as place,
        null as html_url,
        concat_ws(
            '/', installation,
            list_position(['installation', 'execution list', 'workspace', 'project', 'pipeline', 'action'], level),
            coverage
        ) as sort_key
    from coverage
    where not whole
),
parts as (
    select * from summary
    union all
    select * from carried
    union all
    select * from released
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

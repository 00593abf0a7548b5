-- One row per unknown field or enum value that Buddy sent in the selected run, with the first run that had it.
--
-- name is the field's path in the reply (pipeline.labels), or the column with the value after "=". things is the number
-- of rows that have it, first_seen the first run that had it. The view drift_tonight defines what is known.
-- What the lake's first run had was first seen then. Only for the rest, the runs between are searched, and only in the
-- tables that have it. The extra JSON is the same in many runs, so there are few distinct texts; values are grouped
-- before they are unpivoted, because a year has a million rows and few values. json_keys, to_json, unpivot and group by
-- all are DuckDB's.
with
tonight as materialized (select * from drift_tonight),
first_night as (select run_id as first_run_id, run_date as first_date from runs order by run_id limit 1),
field_gates as (select distinct object from tonight where drift = 'field' and not on_first_night),
value_gates as (select distinct object from tonight where drift = 'value' and not on_first_night),
texts as (
    select 'workspaces' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from workspaces
    inner join field_gates on field_gates.object = 'workspaces'
    where extra is not null
    group by extra
    union all
    select 'projects' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from projects
    inner join field_gates on field_gates.object = 'projects'
    where extra is not null
    group by extra
    union all
    select 'pipelines' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from pipelines
    inner join field_gates on field_gates.object = 'pipelines'
    where extra is not null
    group by extra
    union all
    select 'actions' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from actions
    inner join field_gates on field_gates.object = 'actions'
    where extra is not null
    group by extra
    union all
    select 'promote_image_actions' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from promote_image_actions
    inner join field_gates on field_gates.object = 'promote_image_actions'
    where extra is not null
    group by extra
    union all
    select 'trigger_conditions' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from trigger_conditions
    inner join field_gates on field_gates.object = 'trigger_conditions'
    where extra is not null
    group by extra
    union all
    select 'variables' as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from variables
    inner join field_gates on field_gates.object = 'variables'
    where extra is not null
    group by extra
),
project_values as (
    select
        status,
        access,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from projects
    inner join value_gates on value_gates.object = 'projects'
    group by all
),
pipeline_values as (
    select
        priority,
        last_execution_status,
        definition_source,
        git_config_ref,
        git_changeset_base,
        filesystem_changeset_base,
        cpu,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from pipelines
    inner join value_gates on value_gates.object = 'pipelines'
    group by all
),
action_values as (
    select
        trigger_time,
        last_execution_status,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from actions
    inner join value_gates on value_gates.object = 'actions'
    group by all
),
promotion_values as (
    select
        trigger_time,
        run_next,
        last_execution_status,
        permissions_others,
        src_docker_registry,
        dest_docker_registry,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from promote_image_actions
    inner join value_gates on value_gates.object = 'promote_image_actions'
    group by all
),
trigger_condition_values as (
    select
        trigger_condition,
        trigger_status,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from trigger_conditions
    inner join value_gates on value_gates.object = 'trigger_conditions'
    group by all
),
variable_values as (
    select
        type,
        file_place,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from variables
    inner join value_gates on value_gates.object = 'variables'
    group by all
),
permission_values as (
    select
        access_level,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from permissions
    inner join value_gates on value_gates.object = 'permissions'
    group by all
),
values_ever as (
    select 'projects' as object, column_name, value, run_id, run_date
    from project_values
    unpivot (value for column_name in (
        status, access
    ))
    union all
    select 'pipelines' as object, column_name, value, run_id, run_date
    from pipeline_values
    unpivot (value for column_name in (
        priority, last_execution_status, definition_source, git_config_ref, git_changeset_base,
        filesystem_changeset_base, cpu
    ))
    union all
    select 'actions' as object, column_name, value, run_id, run_date
    from action_values
    unpivot (value for column_name in (
        trigger_time, last_execution_status
    ))
    union all
    select 'promote_image_actions' as object, column_name, value, run_id, run_date
    from promotion_values
    unpivot (value for column_name in (
        trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry, dest_docker_registry
    ))
    union all
    select 'trigger_conditions' as object, column_name, value, run_id, run_date
    from trigger_condition_values
    unpivot (value for column_name in (
        trigger_condition, trigger_status
    ))
    union all
    select 'variables' as object, column_name, value, run_id, run_date
    from variable_values
    unpivot (value for column_name in (
        type, file_place
    ))
    union all
    select 'permissions' as object, column_name, value, run_id, run_date
    from permission_values
    unpivot (value for column_name in (
        access_level
    ))
),
first_nights as (
    select
        tonight.drift,
        tonight.object,
        tonight.place,
        tonight.inside,
        tonight.word,
        min(texts.run_id) as run_id,
        min_by(texts.run_date, texts.run_id) as run_date
    from texts
    inner join tonight
        on
            tonight.drift = 'field'
            and texts.object = tonight.object
            -- A cheap condition that is true whenever the next one is; the next one checks the right place.
            and contains(texts.extra, concat(to_json(tonight.word), ':'))
            and list_contains(
                json_keys(texts.extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions'])[tonight.place],
                tonight.word
            )
    group by all
    union all
    select
        'value' as drift,
        object,
        0 as place,
        column_name as inside,
        value as word,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from values_ever
    group by all
)
select
    tonight.object,
    tonight.drift,
    tonight.inside || case when tonight.drift = 'value' then ' = ' else '' end || tonight.word as name,
    tonight.things,
    case when tonight.on_first_night then first_night.first_run_id else first_nights.run_id end as first_seen_run_id,
    case when tonight.on_first_night then first_night.first_date else first_nights.run_date end as first_seen_date
from tonight
left join first_night on tonight.on_first_night
left join first_nights
    on
        tonight.drift = first_nights.drift
        and tonight.object = first_nights.object
        and tonight.place = first_nights.place
        and tonight.inside = first_nights.inside
        and tonight.word = first_nights.word

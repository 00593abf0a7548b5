-- One row per column and enum value of the selected run that Buddy doesn't document.
--
-- object is the table. things counts the rows that hold the value, first_seen is the first night that did. Documented values
-- are those of the view documented_values. Every table is read once, all nights together, and its rows are grouped before
-- they are unpivoted, because a year has a million rows and a handful of values.
with
chosen as (select run_id as chosen_run_id from selected_run),
documented as (select * from documented_values),
project_values as (
    select
        status,
        access,
        min(run_id) as run_id,
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from projects
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
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from pipelines
    group by all
),
action_values as (
    select
        trigger_time,
        last_execution_status,
        min(run_id) as run_id,
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from actions
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
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from promote_image_actions
    group by all
),
trigger_condition_values as (
    select
        trigger_condition,
        trigger_status,
        min(run_id) as run_id,
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from trigger_conditions
    group by all
),
variable_values as (
    select
        type,
        file_place,
        min(run_id) as run_id,
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from variables
    group by all
),
permission_values as (
    select
        access_level,
        min(run_id) as run_id,
        min(run_date) as run_date,
        count(*) filter (where run_id = (select chosen_run_id from chosen)) as things
    from permissions
    group by all
),
values_found as (
    select 'projects' as object, column_name, value, things, run_id, run_date
    from project_values
    unpivot (value for column_name in (
        status, access
    ))
    union all
    select 'pipelines' as object, column_name, value, things, run_id, run_date
    from pipeline_values
    unpivot (value for column_name in (
        priority, last_execution_status, definition_source, git_config_ref, git_changeset_base,
        filesystem_changeset_base, cpu
    ))
    union all
    select 'actions' as object, column_name, value, things, run_id, run_date
    from action_values
    unpivot (value for column_name in (
        trigger_time, last_execution_status
    ))
    union all
    select 'promote_image_actions' as object, column_name, value, things, run_id, run_date
    from promotion_values
    unpivot (value for column_name in (
        trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry, dest_docker_registry
    ))
    union all
    select 'trigger_conditions' as object, column_name, value, things, run_id, run_date
    from trigger_condition_values
    unpivot (value for column_name in (
        trigger_condition, trigger_status
    ))
    union all
    select 'variables' as object, column_name, value, things, run_id, run_date
    from variable_values
    unpivot (value for column_name in (
        type, file_place
    ))
    union all
    select 'permissions' as object, column_name, value, things, run_id, run_date
    from permission_values
    unpivot (value for column_name in (
        access_level
    ))
),
values_ever as (
    select
        object,
        column_name,
        value,
        sum(things) as things,
        min(run_id) as run_id,
        min(run_date) as run_date
    from values_found
    group by all
)
select
    values_ever.object,
    values_ever.column_name,
    values_ever.value,
    cast(values_ever.things as bigint) as things,
    values_ever.run_id as first_seen_run_id,
    values_ever.run_date as first_seen_date
from values_ever
left join documented
    on
        values_ever.object = documented.table_name
        and values_ever.column_name = documented.column_name
        and values_ever.value = documented.value
where values_ever.things > 0 and documented.value is null

-- One row per column and enum value of the selected run that Buddy doesn't document.
--
-- object is the table. things counts the rows that hold the value, first_seen is the first night that did. Documented values
-- are those of the view documented_values. Older nights are searched only in the tables that hold such a value tonight.
-- Rows are counted before they are unpivoted, because a night has thousands of rows and a handful of values.
with
chosen as (select run_id as chosen_run_id from selected_run),
documented as (select * from documented_values),
project_values as (
    select
        status,
        access,
        count(*) as things
    from projects
    where run_id in (select chosen_run_id from chosen)
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
        count(*) as things
    from pipelines
    where run_id in (select chosen_run_id from chosen)
    group by all
),
action_values as (
    select
        trigger_time,
        last_execution_status,
        count(*) as things
    from actions
    where run_id in (select chosen_run_id from chosen)
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
        count(*) as things
    from promote_image_actions
    where run_id in (select chosen_run_id from chosen)
    group by all
),
trigger_condition_values as (
    select
        trigger_condition,
        trigger_status,
        count(*) as things
    from trigger_conditions
    where run_id in (select chosen_run_id from chosen)
    group by all
),
variable_values as (
    select
        type,
        file_place,
        count(*) as things
    from variables
    where run_id in (select chosen_run_id from chosen)
    group by all
),
permission_values as (
    select
        access_level,
        count(*) as things
    from permissions
    where run_id in (select chosen_run_id from chosen)
    group by all
),
values_found as (
    select 'projects' as object, column_name, value, things
    from project_values
    unpivot (value for column_name in (
        status, access
    ))
    union all
    select 'pipelines' as object, column_name, value, things
    from pipeline_values
    unpivot (value for column_name in (
        priority, last_execution_status, definition_source, git_config_ref, git_changeset_base,
        filesystem_changeset_base, cpu
    ))
    union all
    select 'actions' as object, column_name, value, things
    from action_values
    unpivot (value for column_name in (
        trigger_time, last_execution_status
    ))
    union all
    select 'promote_image_actions' as object, column_name, value, things
    from promotion_values
    unpivot (value for column_name in (
        trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry,
        dest_docker_registry
    ))
    union all
    select 'trigger_conditions' as object, column_name, value, things
    from trigger_condition_values
    unpivot (value for column_name in (
        trigger_condition, trigger_status
    ))
    union all
    select 'variables' as object, column_name, value, things
    from variable_values
    unpivot (value for column_name in (
        type, file_place
    ))
    union all
    select 'permissions' as object, column_name, value, things
    from permission_values
    unpivot (value for column_name in (
        access_level
    ))
),
unknown_values as materialized (
    select
        values_found.object,
        values_found.column_name,
        values_found.value,
        sum(values_found.things) as things
    from values_found
    left join documented
        on
            values_found.object = documented.table_name
            and values_found.column_name = documented.column_name
            and values_found.value = documented.value
    where documented.value is null
    group by all
),
value_gates as (select distinct object from unknown_values),
project_history as (
    select
        status,
        access,
        min(run_id) as run_id,
        min(run_date) as run_date
    from projects
    inner join value_gates on value_gates.object = 'projects'
    group by all
),
pipeline_history as (
    select
        priority,
        last_execution_status,
        definition_source,
        git_config_ref,
        git_changeset_base,
        filesystem_changeset_base,
        cpu,
        min(run_id) as run_id,
        min(run_date) as run_date
    from pipelines
    inner join value_gates on value_gates.object = 'pipelines'
    group by all
),
action_history as (
    select
        trigger_time,
        last_execution_status,
        min(run_id) as run_id,
        min(run_date) as run_date
    from actions
    inner join value_gates on value_gates.object = 'actions'
    group by all
),
promotion_history as (
    select
        trigger_time,
        run_next,
        last_execution_status,
        permissions_others,
        src_docker_registry,
        dest_docker_registry,
        min(run_id) as run_id,
        min(run_date) as run_date
    from promote_image_actions
    inner join value_gates on value_gates.object = 'promote_image_actions'
    group by all
),
trigger_condition_history as (
    select
        trigger_condition,
        trigger_status,
        min(run_id) as run_id,
        min(run_date) as run_date
    from trigger_conditions
    inner join value_gates on value_gates.object = 'trigger_conditions'
    group by all
),
variable_history as (
    select
        type,
        file_place,
        min(run_id) as run_id,
        min(run_date) as run_date
    from variables
    inner join value_gates on value_gates.object = 'variables'
    group by all
),
permission_history as (
    select
        access_level,
        min(run_id) as run_id,
        min(run_date) as run_date
    from permissions
    inner join value_gates on value_gates.object = 'permissions'
    group by all
),
values_ever as (
    select 'projects' as object, column_name, value, run_id, run_date
    from project_history
    unpivot (value for column_name in (
        status, access
    ))
    union all
    select 'pipelines' as object, column_name, value, run_id, run_date
    from pipeline_history
    unpivot (value for column_name in (
        priority, last_execution_status, definition_source, git_config_ref, git_changeset_base,
        filesystem_changeset_base, cpu
    ))
    union all
    select 'actions' as object, column_name, value, run_id, run_date
    from action_history
    unpivot (value for column_name in (
        trigger_time, last_execution_status
    ))
    union all
    select 'promote_image_actions' as object, column_name, value, run_id, run_date
    from promotion_history
    unpivot (value for column_name in (
        trigger_time, run_next, last_execution_status, permissions_others, src_docker_registry,
        dest_docker_registry
    ))
    union all
    select 'trigger_conditions' as object, column_name, value, run_id, run_date
    from trigger_condition_history
    unpivot (value for column_name in (
        trigger_condition, trigger_status
    ))
    union all
    select 'variables' as object, column_name, value, run_id, run_date
    from variable_history
    unpivot (value for column_name in (
        type, file_place
    ))
    union all
    select 'permissions' as object, column_name, value, run_id, run_date
    from permission_history
    unpivot (value for column_name in (
        access_level
    ))
),
first_values as (
    select object, column_name, value, min(run_id) as run_id, min(run_date) as run_date
    from values_ever
    group by object, column_name, value
)
select
    unknown_values.object,
    unknown_values.column_name,
    unknown_values.value,
    cast(unknown_values.things as bigint) as things,
    first_values.run_id as first_seen_run_id,
    first_values.run_date as first_seen_date
from unknown_values
left join first_values
    on
        unknown_values.object = first_values.object
        and unknown_values.column_name = first_values.column_name
        and unknown_values.value = first_values.value

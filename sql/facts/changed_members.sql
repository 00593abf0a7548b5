-- One row per changed field, and of permissions, variables and trigger conditions one per member and property of it.
--
-- A field that is no list has one row, with its values. A list is compared member by member: a user or group, a variable
-- by its key, a condition by its position. A member that was added or removed has one row without a property, whose new or
-- old value tells what it is. The position and the id of a member are no properties.
with
all_changes as (select * from action_changes),
changes as materialized (select * from all_changes where change = 'changed'),
sides as (
    select
        run_id, installation, workspace, project, pipeline_id, action_id, aspect, column_name, 'old' as side,
        unnest(json_extract(old_value, '$[*]')) as member
    from changes
    where column_name in ('permissions', 'variables', 'trigger_conditions')
    union all
    select
        run_id, installation, workspace, project, pipeline_id, action_id, aspect, column_name, 'new' as side,
        unnest(json_extract(new_value, '$[*]')) as member
    from changes
    where column_name in ('permissions', 'variables', 'trigger_conditions')
),
named as (
    select
        *,
        json_extract_string(member, '$.position') as position,
        case column_name
            when 'permissions'
                then concat(json_extract_string(member, '$.principal_type'), ' ', json_extract_string(member, '$.principal_id'))
            when 'variables'
                then coalesce(
                    json_extract_string(member, '$.key'), concat('variable ', json_extract_string(member, '$.position'))
                )
            else concat('condition ', json_extract_string(member, '$.position'))
        end as name
    from sides
),
-- Two variables may have the same key.
numbered as (
    select
        *,
        row_number() over (
            partition by
                run_id, installation, workspace, project, pipeline_id, action_id, column_name, side, name
            order by try_cast(position as bigint), cast(member as varchar)
        ) as copy
    from named
),
properties as (
    select *, unnest(json_keys(member)) as property
    from numbered
),
compared as materialized (
    select
        run_id,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        aspect,
        column_name,
        name,
        copy,
        property,
        bool_or(side = 'old') as was_there,
        bool_or(side = 'new') as is_there,
        max(json_extract_string(member, concat('$.', property))) filter (where side = 'old') as old_value,
        max(json_extract_string(member, concat('$.', property))) filter (where side = 'new') as new_value
    from properties
    where property not in ('position', 'variable_id', 'principal_type', 'principal_id', 'key')
    group by all
),
came_or_went as (
    select
        run_id,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        aspect,
        column_name,
        name,
        copy,
        case when any_value(is_there) then 'added' else 'removed' end as change,
        string_agg(old_value, ' ' order by property <> 'trigger_condition', property desc) filter (where tells) as old_value,
        string_agg(new_value, ' ' order by property <> 'trigger_condition', property desc) filter (where tells) as new_value
    from (select *, property in ('access_level', 'type') or column_name = 'trigger_conditions' as tells from compared)
    where was_there <> is_there
    group by run_id, installation, workspace, project, pipeline_id, action_id, aspect, column_name, name, copy
)
select
    run_id,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    aspect,
    column_name,
    null as member,
    1 as copy,
    null as property,
    change,
    old_value,
    new_value
from changes
where column_name not in ('permissions', 'variables', 'trigger_conditions')
union all
select
    run_id,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    aspect,
    column_name,
    name as member,
    copy,
    property,
    'changed' as change,
    old_value,
    new_value
from compared
where was_there and is_there and old_value is distinct from new_value
union all
select
    run_id,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    aspect,
    column_name,
    name as member,
    copy,
    null as property,
    change,
    old_value,
    new_value
from came_or_went

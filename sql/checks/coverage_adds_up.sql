-- Every coverage is one of the contract, and an action has its row if and only if it was fetched or carried.
-- blocking
with
coverages as (
    select table_name, value as coverage
    from declared_values
    where column_name = 'coverage'
),
unknown as (
    select concat('coverage ', coverage, ' is not one of the contract') as message, *
    from staged_rows
    anti join coverages using (table_name, coverage)
    where coverage is not null
),
listed as (select *, true as is_listed from actions),
fetched as (select *, true as is_fetched from promote_image_actions),
paired as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        case
            when is_listed is null then 'promote_image_actions has a row for an action that was not listed'
            when is_fetched is null and listed.coverage in ('fetched', 'carried')
                then concat('coverage is ', listed.coverage, ', and promote_image_actions has no row')
            when is_fetched and listed.coverage not in ('fetched', 'carried', 'quarantined')
                then concat('coverage is ', listed.coverage, ', and promote_image_actions has a row')
        end as message
    from listed
    full outer join fetched using (installation, workspace, project, pipeline_id, action_id)
),
findings as (
    select message, installation, workspace, project, pipeline_id, action_id
    from unknown
    union all
    select message, installation, workspace, project, pipeline_id, action_id
    from paired
    where message is not null
)
select
    message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from findings
order by message, installation, workspace, project, pipeline_id, action_id

-- A carried action was read by an earlier run, and its row is the one that was last read.
-- blocking
with
carried as (
    select installation, workspace, project, pipeline_id, action_id
    from actions
    where coverage = 'carried'
),
known as (
    select installation, workspace, project, pipeline_id, action_id, fetched_at as known_at, true as is_known
    from previous_last_known_actions
),
held as (
    select installation, workspace, project, pipeline_id, action_id, fetched_at
    from promote_image_actions
),
compared as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        case
            when known.is_known is null then 'coverage is carried, and no earlier run read the action'
            when held.fetched_at is distinct from known.known_at
                then concat(
                    'coverage is carried, and its row was read at ', coalesce(cast(held.fetched_at as varchar), 'no time'),
                    ', the last known one at ', coalesce(cast(known.known_at as varchar), 'no time')
                )
        end as message
    from carried
    left join known using (installation, workspace, project, pipeline_id, action_id)
    left join held using (installation, workspace, project, pipeline_id, action_id)
)
select
    message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from compared
where message is not null
order by message, installation, workspace, project, pipeline_id, action_id

-- One row per release, with the one before it in the same destination: the order in which a destination was written.
--
-- is_rollback: the revision is one that the destination had held before, and not the one that it held last.
-- rolled_back_at is the time of the next release if that one is a rollback: this release was undone.
with
released as (select * from releases),
followed as (
    select
        *,
        lag(revision) over following as previous_revision,
        lag(released_at) over following as previous_released_at,
        lag(creator_name) over following as previous_creator_name,
        lead(released_at) over following as next_released_at,
        min(released_at) over (partition by installation, destination, revision) as first_released_at
    from released
    window following as (
        partition by installation, destination
        order by released_at, workspace, project, pipeline_id, execution_id, position, reference
    )
),
marked as (
    select
        *,
        coalesce(revision <> previous_revision and first_released_at < released_at, false) as is_rollback
    from followed
)
select
    run_id,
    installation,
    workspace,
    project,
    pipeline_id,
    execution_id,
    position,
    action_id,
    pipeline,
    action,
    environment,
    image,
    destination,
    reference,
    source,
    revision,
    branch,
    released_at,
    first_released_at,
    creator_id,
    creator_name,
    approver_name,
    previous_revision,
    previous_released_at,
    previous_creator_name,
    is_rollback,
    case
        when
            lead(is_rollback) over (
                partition by installation, destination
                order by released_at, workspace, project, pipeline_id, execution_id, position, reference
            )
            then next_released_at
    end as rolled_back_at,
    config_known,
    html_url
from marked

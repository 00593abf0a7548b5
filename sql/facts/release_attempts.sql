-- One row per promotion into an environment that ended, and reference that it wrote or should have written.
--
-- The attempts of each destination in their order. outcome is `released`, `rolled back` (a release after which the destination
-- went back to an earlier revision) or `failed` (failed or terminated: the destination did not change). is_rollback: the
-- revision is one that the destination had held before, and not the one that it held last. previous_ is the release before.
-- recovered_at is the next release after a failure, and the rollback after a release that was rolled back; NULL: not yet.
-- Failures of which the destination is not known are here, too, without environment.
-- Failures with no release between them are one incident, which began with the first of them: incident_from.
with
ended as (
    select
        *,
        status = 'successful' as is_release,
        case when tag_environment is null then image_name else reference end as destination
    from written_environments
    where
        (status in ('successful', 'failed', 'terminated') and environment is not null)
        or (status in ('failed', 'terminated') and reference is null)
),
followed as (
    select
        *,
        last_value(case when is_release then to_revision end ignore nulls) over earlier as previous_revision,
        last_value(case when is_release then occurred_at end ignore nulls) over earlier as previous_released_at,
        last_value(case when is_release then coalesce(creator_name, '') end ignore nulls) over earlier as previous_creator,
        first_value(case when is_release then occurred_at end ignore nulls) over later as next_released_at,
        min(case when is_release then occurred_at end) over (partition by installation, destination, to_revision)
            as first_released_at
    from ended
    window
        earlier as (
            partition by installation, destination
            order by occurred_at, workspace, project, pipeline_id, execution_id, position, reference
            rows between unbounded preceding and 1 preceding
        ),
        later as (
            partition by installation, destination
            order by occurred_at, workspace, project, pipeline_id, execution_id, position, reference
            rows between 1 following and unbounded following
        )
),
marked as (
    select
        *,
        coalesce(is_release and to_revision <> previous_revision and first_released_at < occurred_at, false) as is_rollback
    from followed
),
undone as (
    select
        *,
        is_release and coalesce(
            first_value(case when is_release then is_rollback end ignore nulls) over (
                partition by installation, destination
                order by occurred_at, workspace, project, pipeline_id, execution_id, position, reference
                rows between 1 following and unbounded following
            ), false
        ) as is_undone
    from marked
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
    case when not is_release then 'failed' when is_undone then 'rolled back' else 'released' end as outcome,
    status,
    occurred_at,
    environment,
    image_name as image,
    destination,
    reference,
    source,
    to_revision as revision,
    branch,
    creator_id,
    creator_name,
    approver_name,
    error_message,
    is_rollback,
    first_released_at,
    previous_revision,
    previous_released_at,
    nullif(previous_creator, '') as previous_creator_name,
    case
        when is_release then occurred_at
        else min(occurred_at) over (partition by installation, destination, is_release, previous_released_at)
    end as incident_from,
    case when not is_release or is_undone then next_released_at end as recovered_at,
    config_known,
    html_url
from undone

-- One row per promotion into an environment that ended, and reference that it wrote or should have written.
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
--
-- The attempts of each destination in their order. outcome is `released`, `rolled back` (a release after which the destination
-- went back to an earlier revision) or `failed` (failed or terminated: the destination did not change). is_rollback: the
-- revision is one that the destination had held before, and not the one that it held last. previous_ is the release before.
-- recovered_at is the next release after a failure, and the rollback after a release that was rolled back; NULL: not yet.
-- Failures of which the destination is not known are here, too, without environment.
-- Failures with no release between them are one incident, which began with the first of them: incident_from.
with
ended as materialized (
    select
        *,
        status = 'successful' as is_release,
        case when tag_environment is null then image_name else reference end as destination
    from written_environments
    where
        (status in ('successful', 'failed', 'terminated') and environment is not null)
        or (status in ('failed', 'terminated') and reference is null)
),
first_releases as (
    select installation, destination, to_revision, min(occurred_at) as first_released_at
    from ended
    where is_release
    group by installation, destination, to_revision
),
dated as (
    select ended.*, first_releases.first_released_at
    from ended
    left join first_releases
        on
            ended.installation = first_releases.installation
            and ended.destination is not distinct from first_releases.destination
            and ended.to_revision is not distinct from first_releases.to_revision
),
-- One window for all: what it sorts is all that an attempt tells.
followed as materialized (
    select
        *,
        last_value(case when is_release then to_revision end ignore nulls) over earlier as previous_revision,
        last_value(case when is_release then occurred_at end ignore nulls) over earlier as previous_released_at,
        last_value(case when is_release then coalesce(creator_name, '') end ignore nulls) over earlier as previous_creator,
        first_value(
            case
                when is_release
                    then {'occurred_at': occurred_at, 'to_revision': to_revision, 'first_released_at': first_released_at}
            end ignore nulls
        ) over later as next_release
    from dated
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
undone as (
    select
        *,
        coalesce(is_release and to_revision <> previous_revision and first_released_at < occurred_at, false) as is_rollback,
        is_release and coalesce(
            next_release.to_revision <> coalesce(to_revision, previous_revision)
            and next_release.first_released_at < next_release.occurred_at,
            false
        ) as is_undone
    from followed
),
incidents as (
    select installation, destination, previous_released_at, min(occurred_at) as incident_from
    from followed
    where not is_release
    group by installation, destination, previous_released_at
)
select
    undone.run_id,
    undone.installation,
    undone.workspace,
    undone.project,
    undone.pipeline_id,
    undone.execution_id,
    undone.position,
    undone.action_id,
    undone.pipeline,
    undone.action,
    case when not undone.is_release then 'failed' when undone.is_undone then 'rolled back' else 'released' end as outcome,
    undone.status,
    undone.occurred_at,
    undone.environment,
    undone.image_name as image,
    undone.destination,
    undone.reference,
    undone.source,
    undone.to_revision as revision,
    undone.branch,
    undone.creator_id,
    undone.creator_name,
    undone.approver_name,
    undone.error_message,
    undone.is_rollback,
    undone.first_released_at,
    undone.previous_revision,
    undone.previous_released_at,
    nullif(undone.previous_creator, '') as previous_creator_name,
    case when undone.is_release then undone.occurred_at else incidents.incident_from end as incident_from,
    case when not undone.is_release or undone.is_undone then undone.next_release.occurred_at end as recovered_at,
    undone.config_known,
    undone.html_url
from undone
left join incidents
    on
        not undone.is_release
        and undone.installation = incidents.installation
        and undone.destination is not distinct from incidents.destination
        and undone.previous_released_at is not distinct from incidents.previous_released_at

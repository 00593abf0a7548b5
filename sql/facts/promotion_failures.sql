-- One row per promotion into an environment that failed, and per release that was rolled back, with when it was recovered.
--
-- failure is `failed` (the promotion failed or was terminated; the destination did not change) or `rolled back` (the release
-- after it went back to an earlier revision). recovered_at is the next successful release into the destination after a
-- failure, and the rollback itself otherwise; NULL: not yet. Failures in a row, with no release between them, are one
-- incident, which began with the first of them: incident_from.
with
releases_in_order as (select * from release_sequence),
attempts as (
    select
        installation, workspace, project, pipeline_id, execution_id, position, action_id, pipeline, action, environment,
        case when tag_environment is null then image_name else reference end as destination,
        image_name as image, reference, source, to_revision as revision, occurred_at, creator_id, creator_name, status,
        error_message, config_known, html_url
    from written_environments
    where status in ('failed', 'terminated') and environment is not null
),
recovered as (
    select
        attempts.*,
        releases_in_order.released_at as recovered_at,
        releases_in_order.creator_name as recovered_by
    from attempts
    asof left join releases_in_order
        on
            attempts.installation = releases_in_order.installation
            and attempts.destination = releases_in_order.destination
            and attempts.occurred_at < releases_in_order.released_at
),
failed as (
    select
        *,
        min(occurred_at) over (partition by installation, destination, recovered_at) as incident_from
    from recovered
),
undone as (select * from releases_in_order where rolled_back_at is not null)
select
    'failed' as failure,
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
    occurred_at,
    incident_from,
    recovered_at,
    creator_id,
    creator_name,
    status,
    error_message,
    config_known,
    html_url
from failed
union all
select
    'rolled back' as failure,
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
    released_at as occurred_at,
    released_at as incident_from,
    rolled_back_at as recovered_at,
    creator_id,
    creator_name,
    'successful' as status,
    null as error_message,
    config_known,
    html_url
from undone

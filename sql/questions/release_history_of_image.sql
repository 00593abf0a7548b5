-- When was an image released, to which environments, from what, and by whom?
-- topic: releases
-- answer: environment, released_at, destination, revision, is_rollback, released_by, approved_by
-- oldest first
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $image VARCHAR : part of the image's name, such as acme/checkout
-- $environment VARCHAR = '' : only this environment; empty: every one
--
-- The oldest release first. previous_revision is what the destination held before, NULL for the first known release;
-- known_from says from when on releases of the pipeline are known. A rollback returns to an earlier revision.
with
released as (select * from release_attempts where outcome <> 'failed'),
known as (select * from executions_known)
select
    released.occurred_at as released_at,
    released.environment,
    released.image,
    released.reference as destination,
    released.source,
    released.revision,
    released.previous_revision,
    round(epoch(released.occurred_at - released.previous_released_at) / 3600.0, 2) as hours_since_previous,
    released.is_rollback,
    released.branch,
    released.creator_name as released_by,
    released.approver_name as approved_by,
    released.config_known,
    known.known_from,
    released.installation,
    released.workspace,
    released.project,
    released.pipeline,
    released.action,
    released.execution_id,
    released.html_url,
    released.pipeline_id,
    released.action_id
from released
left join known
    on
        released.installation = known.installation
        and released.workspace = known.workspace
        and released.project = known.project
        and released.pipeline_id = known.pipeline_id
where
    position(lower($image) in lower(released.image)) > 0
    and ($environment = '' or released.environment = $environment)
order by
    released.occurred_at,
    released.installation,
    released.workspace,
    released.project,
    released.pipeline_id,
    released.execution_id,
    released.position,
    released.reference

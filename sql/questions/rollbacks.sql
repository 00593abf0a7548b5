-- Which destinations went back to a revision that they had before?
-- topic: releases
-- answer: released_at, destination, revision, undone_revision, hours_live, rolled_back_by
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: a release of a revision that the destination had held before, after another one.
--
-- A rollback is a release of a revision that the destination had held earlier, after another one. undone_revision is the
-- one that it replaced, live for hours_live. Releases before known_from are not known (see releases), so a rollback to a
-- revision from before is not recognised.
with
marked as (select * from release_attempts)
select
    occurred_at as released_at,
    environment,
    image,
    destination,
    revision,
    first_released_at,
    previous_revision as undone_revision,
    previous_released_at as undone_released_at,
    round(epoch(occurred_at - previous_released_at) / 3600.0, 2) as hours_live,
    previous_creator_name as undone_released_by,
    creator_name as rolled_back_by,
    installation,
    workspace,
    project,
    pipeline,
    action,
    execution_id,
    html_url,
    pipeline_id,
    action_id
from marked
where
    is_rollback
    and ($since is null or occurred_at >= $since)
    and ($until is null or occurred_at < $until)
    and ($environment = '' or environment = $environment)
    and ($image = '' or position(lower($image) in lower(image)) > 0)
order by released_at desc, installation, destination, workspace, project, pipeline_id, execution_id, action_id

-- Which promotions into an environment failed, and what was Buddy's message?
-- topic: releases
-- answer: failed_at, destination, revision, status, error_message, recovered_at
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: failed and terminated promotions count; those of which the destination is not known are listed for every environment.
--
-- recovered_at is the next successful release into the same destination; NULL: not yet. Failed promotions of which the
-- destination is not known (environment NULL) are listed, whatever the environment.
with
failed as (select * from release_attempts where outcome = 'failed')
select
    occurred_at as failed_at,
    environment,
    case when environment is null then 'not known' else 'certain' end as certainty,
    image,
    reference as destination,
    revision,
    status,
    error_message,
    recovered_at,
    creator_name as started_by,
    config_known,
    installation,
    workspace,
    project,
    pipeline,
    action,
    execution_id,
    html_url,
    pipeline_id,
    action_id
from failed
where
    ($since is null or occurred_at >= $since)
    and ($until is null or occurred_at < $until)
    and ($environment = '' or environment is null or environment = $environment)
    and ($image = '' or position(lower($image) in lower(image)) > 0)
order by occurred_at desc, installation, workspace, project, pipeline_id, execution_id, position, reference

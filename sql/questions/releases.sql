-- What was released, when and by whom?
-- topic: releases
-- answer: released_at, destination, revision, released_by, approved_by
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning; empty: the last 7 days
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: a release is a successful promotion into a reference that names an environment; by default of the last 7 days.
--
-- A release is a successful promotion into a reference that names an environment. config_known says how well its source
-- and destination are known: `only after` means from a run after it. Before known_from, releases of the pipeline are not
-- known; NULL: it is not certain that all are. Without since, the releases of the 7 days before the selected run are listed.
with
released as (select * from releases),
known as (select * from executions_known)
select
    released.released_at,
    released.environment,
    released.image,
    released.tag,
    released.revision,
    released.creator_name as released_by,
    released.approver_name as approved_by,
    released.source,
    released.reference as destination,
    released.branch,
    released.duration_seconds,
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
    released.released_at >= coalesce($since, (select started_at from selected_run) - interval 7 day)
    and ($until is null or released.released_at < $until)
    and ($environment = '' or released.environment = $environment)
    and ($image = '' or position(lower($image) in lower(released.image)) > 0)
order by
    released.released_at desc,
    released.installation,
    released.workspace,
    released.project,
    released.pipeline_id,
    released.execution_id,
    released.position,
    released.reference

-- Which revisions were released to production without a release of the same revision to staging before?
-- topic: security
-- answer: released_at, finding, destination, revision, released_by
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- $slack_days INTEGER = 7 : so long after the beginning of what is known, an earlier release to staging may be missing
-- rule: staging counts with the same Git revision, and if it wrote the image that production reads or writes.
--
-- A release to staging counts if it has the same Git revision and wrote the image that production reads or writes. finding
-- is `not in staging`, `revision not known`, or `perhaps before …`: the release is so near to the beginning of what is
-- known that staging may have been earlier ($slack_days).
with
production as (
    select *
    from production_releases
    where
        staged_at is null
        and ($since is null or released_at >= $since)
        and ($until is null or released_at < $until)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
known as (select * from releases_known)
select
    production.released_at,
    case
        when production.revision is null then 'revision not known'
        when production.released_at < known.known_from + to_days($slack_days)
            then concat('perhaps before ', strftime(known.known_from, '%Y-%m-%d %H:%M'))
        else 'not in staging'
    end as finding,
    case
        when production.revision is null or production.released_at < known.known_from + to_days($slack_days) then 'not known'
        else 'certain'
    end as certainty,
    production.image,
    production.revision,
    production.source,
    production.reference as destination,
    production.creator_name as released_by,
    production.approver_name as approved_by,
    production.config_known,
    production.installation,
    production.workspace,
    production.project,
    production.pipeline,
    production.action,
    production.execution_id,
    production.html_url,
    production.pipeline_id,
    production.action_id
from production
left join known on production.installation = known.installation
order by
    production.released_at desc,
    production.installation,
    production.workspace,
    production.project,
    production.pipeline_id,
    production.execution_id,
    production.position,
    production.reference

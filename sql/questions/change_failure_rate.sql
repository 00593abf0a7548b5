-- Change failure rate: which share of the promotions of an image fails or is rolled back?
-- topic: releases
-- answer: image, promotions, failed, rolled_back, rate, last_failed_at
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: failed, terminated and rolled-back promotions count; a release repaired by a newer one does not.
--
-- The DORA measure. It counts promotions into the environment that ended: releases, and those that failed or were terminated.
-- failed are the latter, rolled_back the releases after which the destination went back to an earlier revision, and rate
-- is the share of both together. A release that broke what it runs and was repaired by a newer one does not count: Buddy
-- does not know. Before known_from nothing is counted.
with
ended as (
    select *
    from release_attempts
    where
        ($since is null or occurred_at >= $since)
        and ($until is null or occurred_at < $until)
        and environment is not null
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
known as (select * from releases_known)
select
    ended.image,
    count(*) as promotions,
    count(*) filter (where ended.outcome = 'failed') as failed,
    count(*) filter (where ended.outcome = 'rolled back') as rolled_back,
    round(count(*) filter (where ended.outcome <> 'released') / count(*), 3) as rate,
    max(ended.occurred_at) filter (where ended.outcome <> 'released') as last_failed_at,
    min(known.known_from) as known_from,
    ended.installation
from ended
left join known on ended.installation = known.installation
group by ended.installation, ended.image
order by rate desc, promotions desc, ended.image, ended.installation

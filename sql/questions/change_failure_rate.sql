-- Change failure rate: which share of the promotions of an image fails or is rolled back?
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
--
-- The DORA measure. It counts promotions into the environment that ended: releases, and those that failed or were terminated.
-- failed are the latter, rolled_back the releases after which the destination went back to an earlier revision, and rate
-- is the share of both together. A release that broke what it runs and was repaired by a newer one does not count: Buddy
-- does not know. Before known_from nothing is counted.
with
succeeded as (
    select installation, image, released_at as occurred_at, rolled_back_at is not null as is_rolled_back
    from release_sequence
    where
        ($since is null or released_at >= $since)
        and ($until is null or released_at < $until)
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
failures as (
    select *
    from promotion_failures
    where
        failure = 'failed'
        and ($since is null or occurred_at >= $since)
        and ($until is null or occurred_at < $until)
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
promotions_ended as (
    select installation, image, occurred_at, case when is_rolled_back then 'rolled back' else 'released' end as outcome
    from succeeded
    union all
    select installation, image, occurred_at, 'failed' as outcome
    from failures
),
known as (select installation, max(known_from) as known_from from executions_known group by installation)
select
    promotions_ended.image,
    count(*) as promotions,
    count(*) filter (where promotions_ended.outcome = 'failed') as failed,
    count(*) filter (where promotions_ended.outcome = 'rolled back') as rolled_back,
    round(count(*) filter (where promotions_ended.outcome <> 'released') / count(*), 3) as rate,
    max(promotions_ended.occurred_at) filter (where promotions_ended.outcome <> 'released') as last_failed_at,
    min(known.known_from) as known_from,
    promotions_ended.installation
from promotions_ended
left join known on promotions_ended.installation = known.installation
group by promotions_ended.installation, promotions_ended.image
order by rate desc, promotions desc, promotions_ended.image, promotions_ended.installation

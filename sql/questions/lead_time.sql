-- Lead time for changes: how long do changes of an image need from staging to production?
-- topic: releases
-- answer: image, changes, median_hours, p90_hours, slowest_hours, without_staging
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: from a revision's first known release to staging to its first release to production; earlier hours are not known.
--
-- The DORA measure, of which this counts the last part: from the first release of a revision to staging to its first
-- release to production, in hours (when the revision was committed is not known). A release to staging belongs to it if
-- it wrote the image that production reads or writes. changes is the number of revisions with both; without_staging of
-- those that were in production and not known in staging. Releases before known_from are missing.
with
production as (
    select *
    from production_releases
    where revision is not null and ($image = '' or position(lower($image) in lower(image)) > 0)
    qualify row_number() over (
        partition by installation, image, revision
        order by released_at, workspace, project, pipeline_id, execution_id, position, reference
    ) = 1
),
changes as (
    select
        installation,
        image,
        revision,
        released_at,
        epoch(released_at - staged_at) / 3600.0 as hours
    from production
    where
        ($since is null or released_at >= $since)
        and ($until is null or released_at < $until)
),
known as (select * from releases_known)
select
    changes.image,
    count(changes.hours) as changes,
    round(median(changes.hours), 2) as median_hours,
    round(quantile_cont(changes.hours, 0.9), 2) as p90_hours,
    round(max(changes.hours), 2) as slowest_hours,
    max_by(changes.revision, changes.hours) as slowest_revision,
    max_by(changes.released_at, changes.hours) as slowest_released_at,
    count(*) filter (where changes.hours is null) as without_staging,
    min(known.known_from) as known_from,
    changes.installation
from changes
left join known on changes.installation = known.installation
group by changes.installation, changes.image
order by median_hours desc nulls last, changes.image, changes.installation

-- Time to restore service: how long is it from a failed or rolled-back promotion of an image to the next release?
-- topic: releases
-- answer: image, incidents, median_hours, slowest_hours, not_recovered, open_since
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: failures in a row are one incident, which ends with the next release into the same destination.
--
-- The DORA measure, in hours. It counts from the failed promotion to the next successful release into the same destination,
-- and from a release that was rolled back to the rollback. Failures in a row are one incident, from the first of them.
-- Incidents of the service itself are not known to Buddy. Before known_from nothing is counted.
with
failures as (
    select *
    from release_attempts
    where
        outcome <> 'released'
        and ($since is null or incident_from >= $since)
        and ($until is null or incident_from < $until)
        and environment is not null
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
incidents as (
    select
        installation,
        image,
        destination,
        outcome,
        incident_from,
        min(recovered_at) as recovered_at
    from failures
    group by installation, image, destination, outcome, incident_from
),
measured as (
    select *, epoch(recovered_at - incident_from) / 3600.0 as hours
    from incidents
),
known as (select * from releases_known)
select
    measured.image,
    count(*) as incidents,
    round(median(measured.hours), 2) as median_hours,
    round(quantile_cont(measured.hours, 0.9), 2) as p90_hours,
    round(max(measured.hours), 2) as slowest_hours,
    max_by(measured.incident_from, measured.hours) as slowest_from,
    count(*) filter (where measured.recovered_at is null) as not_recovered,
    min(measured.incident_from) filter (where measured.recovered_at is null) as open_since,
    min(known.known_from) as known_from,
    measured.installation
from measured
left join known on measured.installation = known.installation
group by measured.installation, measured.image
order by not_recovered desc, median_hours desc nulls last, measured.image, measured.installation

-- Which production destinations has nothing been promoted into for a long time?
-- topic: releases
-- answer: destination, finding, days, last_released_at, released_by
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $days INTEGER = 90 : nothing promoted in this many days before the selected run
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: a destination is in production if its tag names production, or its image does where the tag is a version.
--
-- finding is `released` with the last known release, or `not since …` for a destination that no known execution has
-- written; it is listed once the executions are known for so many days. `executions not known` tells the coverage:
-- whether something was promoted since cannot be said. A destination that no promotion writes any more is `gone`.
with
written as (select * from production_destinations),
chosen as (select started_at from selected_run),
newest as (
    select
        installation,
        destination,
        any_value(image) as image,
        max(released_at) as released_at,
        max_by(revision, released_at) as revision,
        max_by(creator_name, released_at) as creator_name
    from releases
    where environment = 'production'
    group by installation, destination
),
destinations as (
    select
        installation,
        destination,
        coalesce(written.image, newest.image) as image,
        written.written_by,
        coalesce(written.executions_coverage, 'gone') as executions_coverage,
        written.known_from,
        written.html_url,
        newest.released_at,
        newest.revision,
        newest.creator_name
    from written
    full join newest using (installation, destination)
),
judged as (
    select
        destinations.*,
        date_diff('day', coalesce(destinations.released_at, destinations.known_from), chosen.started_at) as days
    from destinations
    cross join chosen
)
select
    image,
    destination,
    case
        when released_at is not null then 'released'
        when executions_coverage = 'not_needed' then 'never executed'
        when known_from is not null then concat('not since ', strftime(known_from, '%Y-%m-%d %H:%M'))
        else concat('executions not known: ', executions_coverage)
    end as finding,
    -- Where not all executions are known, something may have been promoted later.
    case when executions_coverage in ('complete', 'not_needed', 'gone') then 'certain' else 'not known' end as certainty,
    days,
    released_at as last_released_at,
    revision,
    creator_name as released_by,
    written_by,
    executions_coverage,
    known_from,
    installation,
    html_url
from judged
where
    (days is null or days >= $days)
    and ($image = '' or position(lower($image) in lower(destination)) > 0)
order by days desc nulls last, image, destination, installation

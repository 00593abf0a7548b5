-- Who releases, and who approves?
-- topic: releases
-- answer: person, releases, images, approvals, own_approvals, last_at
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: who started the execution of a release, or approved it; a schedule or a trigger is not a person (not known).
--
-- A person started the execution of the release, or approved it. A release without a known creator (a schedule, a trigger)
-- counts for `not known`. own_approvals counts releases that one person started and approved.
with
released as materialized (
    select *
    from releases
    where
        ($since is null or released_at >= $since)
        and ($until is null or released_at < $until)
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
roles as (
    select
        installation, 'started' as role, creator_id as person_id, creator_name as person, image, released_at,
        creator_id = approver_id as is_own
    from released
    union all
    select
        installation, 'approved' as role, approver_id as person_id, approver_name as person, image, released_at,
        false as is_own
    from released
    where approver_id is not null
)
select
    coalesce(max_by(person, released_at), cast(person_id as varchar), 'not known') as person,
    count(*) filter (where role = 'started') as releases,
    count(distinct image) filter (where role = 'started') as images,
    count(*) filter (where role = 'approved') as approvals,
    count(*) filter (where role = 'started' and is_own) as own_approvals,
    min(released_at) as first_at,
    max(released_at) as last_at,
    installation,
    person_id
from roles
group by installation, person_id
order by releases desc, approvals desc, person, installation, person_id

-- Deployment frequency: how often is each image released, week by week?
-- topic: releases
-- answer: week, image, releases, revisions, people
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $since TIMESTAMP = null : only releases at or after this moment (UTC); a date is its beginning
-- $until TIMESTAMP = null : only releases before this moment (UTC)
-- $environment VARCHAR = 'production' : only this environment; empty: every one
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: successful promotions into the environment count, also of a revision that was there before.
--
-- The DORA measure. It counts successful promotions into the environment, per image and week (Monday to Sunday, UTC), also
-- of a revision that was there before; an execution that writes several references of an image counts once. Weeks without a
-- release are listed from the image's first release on. whole is false if a part of the week is before known_from, or
-- after the beginning of the selected run (where promotions were carried into it: after the oldest was read).
with
released as (
    select *
    from releases
    where
        ($since is null or released_at >= $since)
        and ($until is null or released_at < $until)
        and ($environment = '' or environment = $environment)
        and ($image = '' or position(lower($image) in lower(image)) > 0)
),
weekly as (
    select
        installation,
        image,
        date_trunc('week', released_at) as week,
        count(distinct (workspace, project, pipeline_id, execution_id, position)) as releases,
        count(distinct revision) as revisions,
        count(distinct coalesce(creator_name, cast(creator_id as varchar))) as people
    from released
    group by installation, image, date_trunc('week', released_at)
),
chosen as (select started_at from selected_run),
weeks as (
    select
        weekly.installation,
        weekly.image,
        unnest(generate_series(
            min(cast(weekly.week as timestamp)),
            coalesce(cast($until as timestamp) - interval 1 microsecond, max(chosen.started_at)),
            interval 7 day
        )) as week
    from weekly
    cross join chosen
    group by weekly.installation, weekly.image
),
known as (select * from releases_known),
carried as (select * from carried_promotions where run_id in (select run_id from selected_run))
select
    cast(weeks.week as date) as week,
    weeks.image,
    coalesce(weekly.releases, 0) as releases,
    coalesce(weekly.revisions, 0) as revisions,
    coalesce(weekly.people, 0) as people,
    coalesce(
        weeks.week >= known.known_from
        and weeks.week + interval 7 day <= coalesce(carried.oldest_read_at, chosen.started_at),
        false
    ) as whole,
    weeks.installation
from weeks
cross join chosen
left join weekly
    on weeks.installation = weekly.installation and weeks.image = weekly.image and weeks.week = weekly.week
left join known on weeks.installation = known.installation
left join carried on weeks.installation = carried.installation
order by weeks.week desc, weeks.image, weeks.installation

-- What is in production, or was at a moment: since when, by whom, and from which execution?
-- topic: releases
-- answer: destination, finding, revision, since, released_by
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $on TIMESTAMP = null : the moment (UTC); a date is its beginning; empty: as of the selected run
-- $image VARCHAR = '' : part of the image's name; empty: every image
-- rule: a destination is in production if its tag names production, or its image does where the tag is a version.
--
-- One row per production destination: a reference whose tag names production, or an image whose name does. finding is
-- `released`; `not since …` for a destination that no known execution has written, with the moment from which all are
-- known; `not known before …` if the moment asked for is before that; or `executions not known` with the coverage. Even
-- after `released`, a later release is possible where executions_coverage is not complete; it is `gone` where no promotion
-- writes the destination any more.
with
written as (select * from production_destinations),
released as materialized (
    select
        run_id, installation, workspace, project, pipeline_id, pipeline, action_id, action, execution_id, position, image,
        destination, tag, source, revision, released_at, creator_name, approver_name, config_known, html_url,
        $on is null or released_at <= $on as is_before
    from releases
    where environment = 'production'
),
last_times as (
    select
        installation,
        destination,
        -- A destination that was released into only later is listed, too.
        coalesce(max(released_at) filter (where is_before), max(released_at)) as released_at
    from released
    group by installation, destination
),
newest as (
    select released.*
    from released
    inner join last_times
        on
            released.installation = last_times.installation
            and released.destination = last_times.destination
            and released.released_at is not distinct from last_times.released_at
    qualify row_number() over (
        partition by released.installation, released.destination
        order by released.is_before desc, released.run_id desc, released.execution_id desc, released.position desc
    ) = 1
),
destinations as (
    select
        installation,
        destination,
        coalesce(written.image, newest.image) as image,
        coalesce(written.executions_coverage, 'gone') as executions_coverage,
        written.known_from,
        written.html_url
    from written
    full join newest using (installation, destination)
),
held as (select * from newest where is_before)
select
    destinations.image,
    destinations.destination,
    case
        when held.destination is not null then 'released'
        when destinations.executions_coverage = 'not_needed' then 'never executed'
        when destinations.known_from is null then concat('executions not known: ', destinations.executions_coverage)
        when $on < destinations.known_from
            then concat('not known before ', strftime(destinations.known_from, '%Y-%m-%d %H:%M'))
        else concat('not since ', strftime(destinations.known_from, '%Y-%m-%d %H:%M'))
    end as finding,
    held.source,
    held.tag,
    held.revision,
    held.released_at as since,
    held.creator_name as released_by,
    held.approver_name as approved_by,
    held.config_known,
    destinations.executions_coverage,
    destinations.known_from,
    held.installation is not null and destinations.executions_coverage = 'complete' and held.config_known = 'before'
        as certain,
    destinations.installation,
    held.workspace,
    held.project,
    held.pipeline,
    held.action,
    held.execution_id,
    coalesce(held.html_url, destinations.html_url) as html_url,
    held.pipeline_id,
    held.action_id
from destinations
left join held on destinations.installation = held.installation and destinations.destination = held.destination
where $image = '' or position(lower($image) in lower(destinations.destination)) > 0
order by destinations.image, destinations.destination, destinations.installation

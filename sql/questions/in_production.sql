-- What is in production, or was at a moment: since when, by whom, and from which execution?
-- one run but for action_changes, action_executions, executions, last_known_actions, promote_image_actions, runs
-- $on TIMESTAMP = null : the moment (UTC); a date is its beginning; empty: as of the selected run
-- $image VARCHAR = '' : part of the image's name; empty: every image
--
-- One row per production destination: a reference whose tag names production, or an image whose name does. finding is
-- `released`; `not since …` for a destination that no known execution has written, with the moment from which all are
-- known; `not known before …` if the moment asked for is before that; or `executions not known` with the coverage. Even
-- after `released`, a later release is possible where executions_coverage is not complete.
with
destinations as (select * from production_destinations),
released as (
    select *
    from releases
    where environment = 'production' and ($on is null or released_at <= $on)
),
newest as (
    select *
    from released
    qualify row_number() over (
        partition by installation, destination order by released_at desc, run_id desc, execution_id desc, position desc
    ) = 1
)
select
    destinations.image,
    destinations.destination,
    case
        when newest.destination is not null then 'released'
        when destinations.executions_coverage = 'not_needed' then 'never executed'
        when destinations.known_from is null then concat('executions not known: ', destinations.executions_coverage)
        when $on < destinations.known_from
            then concat('not known before ', strftime(destinations.known_from, '%Y-%m-%d %H:%M'))
        else concat('not since ', strftime(destinations.known_from, '%Y-%m-%d %H:%M'))
    end as finding,
    newest.source,
    newest.tag,
    newest.revision,
    newest.released_at as since,
    newest.creator_name as released_by,
    newest.approver_name as approved_by,
    newest.config_known,
    destinations.executions_coverage,
    destinations.known_from,
    newest.installation is not null and destinations.executions_coverage = 'complete' and newest.config_known = 'before'
        as certain,
    destinations.installation,
    newest.workspace,
    newest.project,
    newest.pipeline,
    newest.action,
    newest.execution_id,
    coalesce(newest.html_url, destinations.html_url) as html_url,
    newest.pipeline_id,
    newest.action_id
from destinations
left join newest
    on destinations.installation = newest.installation and destinations.destination = newest.destination
where $image = '' or position(lower($image) in lower(destinations.destination)) > 0
order by destinations.image, destinations.destination, destinations.installation

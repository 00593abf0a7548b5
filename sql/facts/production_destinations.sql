-- One row per production destination that a promotion writes in the selected run: how well its executions are known.
--
-- destination is that of releases: a reference whose tag names production, or an image whose name does. known_from is the
-- moment from which no execution of its promotions is missing, and NULL if that is not certain for each of them;
-- executions_coverage is then a coverage other than complete. It is carried where only an earlier run asked for the
-- executions of a promotion: all that began before that are known. A destination that a variable names is not here.
with
promoting as (select * from selected_actions),
ends as (
    select *
    from selected_environments
    where image_end = 'dest' and environment = 'production' and not has_variable
),
steps as (
    select
        promoting.installation,
        promoting.workspace,
        promoting.project,
        promoting.pipeline_id,
        concat_ws(
            '/', promoting.workspace, promoting.project, coalesce(promoting.pipeline, cast(promoting.pipeline_id as varchar))
        ) as place,
        ends.image_name,
        case when ends.tag_environment is null then ends.image_name else ends.reference end as written,
        promoting.html_url
    from promoting
    inner join ends
        on
            promoting.installation = ends.installation
            and promoting.workspace = ends.workspace
            and promoting.project = ends.project
            and promoting.pipeline_id = ends.pipeline_id
            and promoting.action_id = ends.action_id
),
known as (select * from executions_known),
writers as (
    select
        steps.installation,
        steps.written as destination,
        min(steps.image_name) as image,
        string_agg(
            distinct steps.place, ', ' order by steps.place
        ) as written_by,
        coalesce(
            min(known.executions_coverage)
            filter (where known.executions_coverage not in ('complete', 'carried', 'not_needed')),
            min(known.executions_coverage) filter (where known.executions_coverage = 'carried')
        ) as gap,
        bool_and(known.executions_coverage = 'not_needed') as never_executed,
        case
            when bool_and(known.known_from is not null or known.executions_coverage = 'not_needed')
                then max(known.known_from) filter (where known.executions_coverage <> 'not_needed')
        end as known_from,
        min(steps.html_url) as html_url
    from steps
    left join known
        on
            steps.installation = known.installation
            and steps.workspace = known.workspace
            and steps.project = known.project
            and steps.pipeline_id = known.pipeline_id
    group by steps.installation, steps.written
)
select
    installation,
    destination,
    image,
    written_by,
    case when gap is not null then gap when never_executed then 'not_needed' else 'complete' end as executions_coverage,
    known_from,
    html_url
from writers

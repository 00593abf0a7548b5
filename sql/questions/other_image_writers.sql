-- Which actions of other types can write image tags, too?
-- topic: security
-- answer: workspace, project, pipeline, type, names, promotions
-- one run
-- $disabled BOOLEAN = false : also list disabled actions
-- rule: types that can push an image: DOCKER_IMAGE_OPS, DOCKER_PUSH and DOCKERFILE; what they write is not collected.
--
-- One row per pipeline and type: DOCKER_IMAGE_OPS, DOCKER_PUSH (push an image) and DOCKERFILE (build and push one). What they
-- write is not collected; promotions is the number of promote-image actions in the same pipeline.
with
listed as (select * from actions where run_id in (select run_id from selected_run)),
lines as (select * from pipelines where run_id in (select run_id from selected_run)),
writers as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        type,
        count(*) as actions,
        string_agg(coalesce(name, cast(action_id as varchar)), ', ' order by position, action_id) as names,
        count(*) filter (where last_execution_status = 'INITIAL') as never_run
    from listed
    where type in ('DOCKER_IMAGE_OPS', 'DOCKER_PUSH', 'DOCKERFILE') and ($disabled or disabled is not true)
    group by installation, workspace, project, pipeline_id, type
),
promoting as (
    select installation, workspace, project, pipeline_id, count(*) as promotions
    from listed
    where type = 'PROMOTE_IMAGE'
    group by installation, workspace, project, pipeline_id
)
select
    writers.installation,
    writers.workspace,
    writers.project,
    coalesce(lines.name, lines.identifier) as pipeline,
    writers.type,
    writers.actions,
    writers.names,
    writers.never_run,
    coalesce(promoting.promotions, 0) as promotions,
    lines.last_execution_status,
    lines.html_url,
    writers.pipeline_id
from writers
left join lines
    on
        writers.installation = lines.installation
        and writers.workspace = lines.workspace
        and writers.project = lines.project
        and writers.pipeline_id = lines.pipeline_id
left join promoting
    on
        writers.installation = promoting.installation
        and writers.workspace = promoting.workspace
        and writers.project = promoting.project
        and writers.pipeline_id = promoting.pipeline_id
order by writers.installation, writers.workspace, writers.project, writers.pipeline_id, writers.type

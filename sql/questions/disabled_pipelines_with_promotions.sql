-- Which pipelines with promotions are disabled or paused, so that the promotions do not run?
-- topic: health
-- answer: workspace, project, pipeline, finding, disabled_reason, promotions
-- one run
with
lines as materialized (select * from pipelines where run_id in (select run_id from selected_run)),
selected as (select * from promote_image_actions where run_id in (select run_id from selected_run))
select
    lines.installation,
    lines.workspace,
    lines.project,
    lines.name as pipeline,
    concat_ws(
        ', ', case when lines.disabled then 'disabled' end, case when lines.paused then 'paused' end
    ) as finding,
    lines.disabled_reason,
    count(*) as promotions,
    count(*) filter (where selected.disabled is not true) as enabled_promotions,
    string_agg(coalesce(selected.name, cast(selected.action_id as varchar)), ', ' order by selected.action_id) as actions,
    lines.html_url,
    lines.pipeline_id
from lines
inner join selected
    on
        lines.installation = selected.installation
        and lines.workspace = selected.workspace
        and lines.project = selected.project
        and lines.pipeline_id = selected.pipeline_id
where lines.disabled or lines.paused
group by
    lines.installation,
    lines.workspace,
    lines.project,
    lines.pipeline_id,
    lines.name,
    lines.disabled,
    lines.paused,
    lines.disabled_reason,
    lines.html_url
order by lines.installation, lines.workspace, lines.project, lines.pipeline_id

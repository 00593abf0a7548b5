-- Which pipelines with promotions are disabled or paused, so that the promotions do not run?
-- one run
with
lines as materialized (select * from pipelines where run_id in (select run_id from selected_run)),
tonight as (select * from promote_image_actions where run_id in (select run_id from selected_run))
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
    count(*) filter (where tonight.disabled is not true) as enabled_promotions,
    string_agg(coalesce(tonight.name, cast(tonight.action_id as varchar)), ', ' order by tonight.action_id) as actions,
    lines.html_url,
    lines.pipeline_id
from lines
inner join tonight
    on
        lines.installation = tonight.installation
        and lines.workspace = tonight.workspace
        and lines.project = tonight.project
        and lines.pipeline_id = tonight.pipeline_id
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

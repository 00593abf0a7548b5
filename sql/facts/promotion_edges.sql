-- One row per source reference and destination reference in the selected run: the step, with all promotions that take
-- it.
--
-- actions lists them as workspace/project/pipeline_id/action_id. An end that names no image has no edge. certain is
-- false if a variable decides what is read or written, because equal text may then mean different images.
with
steps as (select * from selected_steps)
select
    run_id,
    run_date,
    installation,
    source,
    destination,
    min(source_image) as source_image,
    min(destination_image) as destination_image,
    min(source_environment) as source_environment,
    min(source_stage) as source_stage,
    min(destination_environment) as destination_environment,
    min(destination_stage) as destination_stage,
    bool_and(not source_has_variable and not destination_has_variable) as certain,
    count(*) as promotions,
    count(*) filter (where disabled is not true) as enabled_promotions,
    array_agg(
        concat(workspace, '/', project, '/', pipeline_id, '/', action_id)
        order by workspace, project, pipeline_id, action_id
    ) as actions
from steps
where source is not null and destination is not null
group by run_id, run_date, installation, source, destination

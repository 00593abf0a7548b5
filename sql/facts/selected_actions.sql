-- One row per promote-image action of the selected run: its two ends as they are configured.
--
-- Views that parse only these ends read it: `offset 0` changes no row, and keeps the planner from parsing those of all runs.
with
selected as (select * from promote_image_actions where run_id in (select run_id from selected_run) offset 0)
select
    run_id,
    run_date,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    coalesce(pipeline_name, pipeline_identifier) as pipeline,
    html_url,
    same_location,
    src_docker_registry,
    src_registry,
    src_image,
    src_tag,
    src_region,
    src_integration,
    dest_docker_registry,
    dest_registry,
    dest_image,
    dest_tag,
    dest_region,
    dest_integration
from selected

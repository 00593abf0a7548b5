-- One row per promote-image action and run, of all runs: what it takes from where to where.
--
-- Where a tag with commas names several tags, source and destination are several references with `, ` between them, and
-- the environment is the one closest to production; promotion_steps has a row for each.
-- Those of the last run are promotions_now. A filter on run_id by a subquery is applied only after everything was parsed:
-- selected_promotions is faster.
with
steps as (select * from promotion_steps)
select
    run_id,
    run_date,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    any_value(pipeline) as pipeline,
    any_value(action) as action,
    string_agg(source, ', ' order by source_number) filter (where destination_number = 1) as source,
    string_agg(destination, ', ' order by destination_number) filter (where source_number = 1) as destination,
    any_value(source_image) as source_image,
    any_value(source_registry) as source_registry,
    any_value(source_repository) as source_repository,
    string_agg(source_tag, ',' order by source_number) filter (where destination_number = 1) as source_tag,
    string_agg(source_digest, ',' order by source_number) filter (where destination_number = 1) as source_digest,
    max_by(source_tag_environment, source_stage) as source_tag_environment,
    max_by(source_environment, source_stage) as source_environment,
    max(source_stage) as source_stage,
    bool_or(source_has_variable) as source_has_variable,
    min_by(source_moving_reason, source_number) as source_moving_reason,
    min_by(source_defect, source_number) as source_defect,
    any_value(destination_image) as destination_image,
    any_value(destination_registry) as destination_registry,
    any_value(destination_repository) as destination_repository,
    string_agg(destination_tag, ',' order by destination_number) filter (where source_number = 1) as destination_tag,
    string_agg(destination_digest, ',' order by destination_number) filter (where source_number = 1) as destination_digest,
    max_by(destination_tag_environment, destination_stage) as destination_tag_environment,
    max_by(destination_environment, destination_stage) as destination_environment,
    max(destination_stage) as destination_stage,
    bool_or(destination_has_variable) as destination_has_variable,
    min_by(destination_moving_reason, destination_number) as destination_moving_reason,
    min_by(destination_defect, destination_number) as destination_defect,
    any_value(same_location) as same_location,
    any_value(same_registry) as same_registry,
    any_value(disabled) as disabled,
    any_value(trigger_time) as trigger_time,
    any_value(last_execution_status) as last_execution_status,
    any_value(current_revision) as current_revision,
    any_value(retry_count) as retry_count,
    any_value(retry_interval) as retry_interval,
    any_value(insecure_registry) as insecure_registry,
    any_value(permissions_others) as permissions_others,
    any_value(html_url) as html_url
from steps
group by run_id, run_date, installation, workspace, project, pipeline_id, action_id

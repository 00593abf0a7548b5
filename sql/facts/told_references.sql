-- One row per row of promotion_writes of which the execution told a variable: only then the environment is not configured.
with
directed as (select * from directed_elements)
select
    run_id,
    run_date,
    installation,
    workspace,
    project,
    pipeline_id,
    execution_id,
    position,
    action_id,
    pipeline,
    action,
    status,
    occurred_at,
    duration_seconds,
    creator_id,
    creator_name,
    approver_id,
    approver_name,
    branch,
    git_tag,
    from_revision,
    to_revision,
    error_message,
    config_known,
    source,
    source_image,
    source_has_variable,
    reference,
    destination_image as image_name,
    reference_tag as tag,
    destination_has_variable as has_variable,
    html_url
from directed
where is_told

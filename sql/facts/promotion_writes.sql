-- One row per element of an execution that promoted, or should have promoted, and destination reference: what it wrote.
--
-- The columns are those of promotion_executions and, under the names of image_references, the one reference: a tag with
-- commas names several. reference is NULL where the destination is not known. It contains a variable where the
-- execution does not tell its value.
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

-- One row per successful promotion of an image into an environment: an element of an execution and a reference it wrote.
--
-- environment is what the destination's reference names (sql/clean/environments.sql); promotions into a reference that
-- names none are no releases. destination is what the next release replaces: the reference if its tag names the
-- environment (app:production), otherwise the image, whose tags are versions then (acme-prod/app). revision is the Git
-- revision of the execution. config_known says how well the destination is known (promotion_executions); has_variable is
-- true if the reference contains a variable that nothing resolves.
with
writes as (select * from written_environments where status = 'successful' and environment is not null)
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
    occurred_at as released_at,
    environment,
    stage,
    case when tag_environment is null then image_name else reference end as destination,
    image_name as image,
    tag,
    reference,
    source,
    source_image,
    to_revision as revision,
    from_revision,
    branch,
    git_tag,
    creator_id,
    creator_name,
    approver_id,
    approver_name,
    duration_seconds,
    config_known,
    has_variable,
    html_url
from writes

-- One row per element of an execution whose action is a promote-image action: when, by whom, and from where to where.
--
-- The newest state as of the selected run; times, people and status are explained in execution_elements. source and
-- destination are what the action was configured to do in the newest run that began before the execution: the complete
-- reference, or several with `, ` between them where the tag names several. config_known says how well that is known:
-- before; only after (no run before saw the action, so the oldest run that saw it decides); never.
-- A variable is replaced where the execution itself tells its value ($BUDDY_RUN_BRANCH, $BUDDY_RUN_TAG, $BUDDY_RUN_COMMIT,
-- $BUDDY_RUN_ID, $BUDDY_RUN_COMMENT, their older names $BUDDY_EXECUTION_…, $BUDDY_EXECUTION_REVISION, also as ${NAME}) and
-- kept otherwise. resolved lists the columns in which one was replaced; configured_source and configured_destination are
-- the texts before that. source_has_variable and destination_has_variable are
-- true where a variable is left: what was really read or written is then not known.
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
    action_execution_id,
    action_id,
    pipeline,
    action,
    status,
    element_status,
    execution_status,
    triggered_on,
    occurred_at,
    executed_at,
    started_at,
    finished_at,
    duration_seconds,
    creator_id,
    creator_name,
    approver_id,
    approver_name,
    branch,
    git_tag as tag,
    pull_request,
    from_revision,
    to_revision,
    comment,
    error_message,
    config_known,
    configuration_run_id,
    configured_source,
    configured_destination,
    source,
    source_image,
    source_tag,
    destination,
    destination_image,
    destination_tag,
    resolved,
    source_has_variable,
    destination_has_variable,
    html_url
from directed
where coalesce(reference_number, 1) = 1

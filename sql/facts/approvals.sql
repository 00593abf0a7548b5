-- One row per promote-image action, approval required before it, and run.
--
-- An approval is an action of type WAIT_FOR_APPLY ("Wait for approval") earlier in the same pipeline's list that runs
-- on every execution and is not disabled (a missing `disabled` means false). A conditional approval cannot be
-- distinguished from an unconditional one, because a list does not show the conditions of other actions.
with
promoting as (select * from actions where type = 'PROMOTE_IMAGE'),
waits as (select * from actions where type in ('WAIT_FOR_APPLY', 'WAIT_FOR_APPROVE', 'WAIT_FOR_APPROVAL'))
select
    promoting.run_id,
    promoting.run_date,
    promoting.installation,
    promoting.workspace,
    promoting.project,
    promoting.pipeline_id,
    promoting.action_id,
    waits.action_id as approval_action_id,
    waits.name as approval
from promoting
inner join waits
    on
        promoting.run_id = waits.run_id
        and promoting.installation = waits.installation
        and promoting.workspace = waits.workspace
        and promoting.project = waits.project
        and promoting.pipeline_id = waits.pipeline_id
        and waits.position < promoting.position
where waits.disabled is not true and waits.trigger_time = 'ON_EVERY_EXECUTION'

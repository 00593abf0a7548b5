-- One row per promote-image action, approval required before it, and run.
--
-- An approval is an action of type WAIT_FOR_APPLY ("Wait for approval") earlier in the same pipeline's list that runs
-- on every execution and is not disabled (a missing `disabled` means false). A conditional approval cannot be
-- distinguished from an unconditional one, because a list does not show the conditions of other actions.
with
promotions as (select * from actions where type = 'PROMOTE_IMAGE'),
waits as (select * from actions where type in ('WAIT_FOR_APPLY', 'WAIT_FOR_APPROVE', 'WAIT_FOR_APPROVAL'))
select
    promotions.run_id,
    promotions.run_date,
    promotions.installation,
    promotions.workspace,
    promotions.project,
    promotions.pipeline_id,
    promotions.action_id,
    waits.action_id as approval_action_id,
    waits.name as approval
from promotions
inner join waits
    on
        promotions.run_id = waits.run_id
        and promotions.installation = waits.installation
        and promotions.workspace = waits.workspace
        and promotions.project = waits.project
        and promotions.pipeline_id = waits.pipeline_id
        and waits.position < promotions.position
where waits.disabled is not true and waits.trigger_time = 'ON_EVERY_EXECUTION'

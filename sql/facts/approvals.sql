-- One row per promote-image action, approval that has to be given before it, and run.
--
-- An approval is an action of type WAIT_FOR_APPLY ("Wait for approval") earlier in the same pipeline's list, run on every
-- execution and not disabled (Buddy's default for a missing `disabled` is false). A conditional approval can't be told from
-- an unconditional one: a list doesn't show the conditions of other actions.
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
